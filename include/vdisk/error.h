/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sentence that explains a failure.
 *
 * Calls that can say more than an errno take a trailing `struct vdisk_error *err`, which may be NULL. The structure
 * belongs to the caller; filling it allocates nothing and uses no thread-local state, so any thread may keep as many
 * as it likes.
 */
#ifndef VDISK_ERROR_H
#define VDISK_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Set by every call it is passed to: on failure `code` is the negative errno the call returns and `message` a whole
 * sentence that names the thing and, where there is one, the mend; on success `code` is 0 and `message` empty.
 *
 * The message is valid UTF-8, NUL-terminated, on one line, without a final newline. Bytes of names that are not
 * printable appear as \xNN, an over-long name is shortened with an ellipsis. Values of options never appear in it,
 * since they can be secrets.
 */
struct vdisk_error {
    int code;
    char message[512];
};

#ifdef __cplusplus
}
#endif

#endif
