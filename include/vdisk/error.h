/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sentence that explains a failure.
 *
 * Calls that can say more than an errno take a trailing `struct vdisk_error *err`, which may be NULL. The structure
 * belongs to the caller. Filling it allocates nothing and uses no thread-local state, so any thread may keep as many
 * structures as it likes.
 */
#ifndef VDISK_ERROR_H
#define VDISK_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Set by every call that it is passed to. On success `code` is 0 and `message` is empty. On failure `code` is the
 * negative errno that the call returns. `message` is then a whole sentence that names what failed and, if there is a
 * way to mend it, how.
 *
 * The message is valid UTF-8 that ends with a NUL. It is on one line and has no final newline. Bytes of names that are
 * not printable appear as \xNN. A name that is too long is shortened with an ellipsis. Values of options never appear
 * in the message, because they can be secrets.
 */
struct vdisk_error {
    int code;
    char message[512];
};

#ifdef __cplusplus
}
#endif

#endif
