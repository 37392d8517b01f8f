/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of images: the `rbd:` URI and its parts.
 *
 *   rbd:POOL/[NAMESPACE/]IMAGE[@SNAPSHOT][:KEY=VALUE]...
 *
 * The first unescaped `:` after the prefix ends the path and starts the options. In the path an unescaped `@` starts
 * the snapshot. In option values `@`, `/` and `=` are plain bytes. A backslash makes the byte after it plain, wherever
 * it stands: `rbd:pool/image\@with\:odd\/name`. An empty namespace is the pool's default namespace.
 *
 * The options `id` (the Ceph user, without "client.") and `conf` (a Ceph configuration file) are libvdisk's own. If
 * one of these two occurs several times, the last one wins; an empty value of one is an error. Every other key is the
 * name of a Ceph configuration option, and may have an empty value. An option without `=`, or with an empty key, is an
 * error. Parsing accepts all of them. The policy that is given at open decides which options a URI
 * may set (enum vdisk_uri_policy in disk.h).
 *
 * A `struct vdisk_uri` is plain memory. No function here blocks, contacts a cluster or checks that something exists.
 * Any thread may use a URI, and several threads may read the same one while no thread changes it.
 */
#ifndef VDISK_URI_H
#define VDISK_URI_H

#include <stddef.h>

#include <vdisk/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct vdisk_uri;

/*
 * The length of the longest text that can be parsed, in bytes without the final NUL. The parts have no limit of their
 * own: Ceph decides which names are too long.
 */
#define VDISK_URI_MAX 65535

/*
 * Parses `text`. On success *uri is a new object; free it with vdisk_uri_free.
 *
 * -EINVAL        an argument is NULL; or `text` does not follow the grammar above: the message says which part is wrong
 *                and at which byte offset
 * -ENAMETOOLONG  `text` is longer than VDISK_URI_MAX
 * -ENOMEM        out of memory
 */
int vdisk_uri_parse(struct vdisk_uri **uri, const char *text, struct vdisk_error *err);

/*
 * Makes a URI object from its parts. They are taken as they are, without escapes. `name_space` and `snapshot` may be
 * NULL. An empty `name_space` is the default namespace. Options are added with vdisk_uri_add_option. On success *uri is
 * a new object; free it with vdisk_uri_free.
 *
 * -EINVAL        `uri` is NULL, `pool` or `image` is NULL or empty, or `snapshot` is empty
 * -ENAMETOOLONG  the URI would be longer than VDISK_URI_MAX, so its text could not be parsed again
 * -ENOMEM        out of memory
 */
int vdisk_uri_new(struct vdisk_uri **uri, const char *pool, const char *name_space, const char *image,
                  const char *snapshot, struct vdisk_error *err);

/*
 * Appends an option after those that the URI already has. Key and value are copied. vdisk_open checks the option
 * against the URI policy, as it does a parsed one. An option of the program itself belongs in struct vdisk_open_options
 * instead. On failure the object is unchanged.
 *
 * -EINVAL        an argument is NULL, the key is empty, or `id` or `conf` has an empty value
 * -ENAMETOOLONG  as for vdisk_uri_new
 * -ENOMEM        out of memory
 */
int vdisk_uri_add_option(struct vdisk_uri *uri, const char *key, const char *value, struct vdisk_error *err);

/* Frees a URI and all strings that belong to it. */
void vdisk_uri_free(struct vdisk_uri *uri);

/*
 * Return the parts without escapes. The strings belong to the URI and live until it is freed. The namespace is "" for
 * the default one. The snapshot is NULL when the URI names none. If `uri` is NULL, every part is NULL.
 */
const char *vdisk_uri_pool(const struct vdisk_uri *uri);
const char *vdisk_uri_namespace(const struct vdisk_uri *uri);
const char *vdisk_uri_image(const struct vdisk_uri *uri);
const char *vdisk_uri_snapshot(const struct vdisk_uri *uri);

/* Returns how many options the URI has, duplicates included; 0 for a NULL `uri`. */
size_t vdisk_uri_option_count(const struct vdisk_uri *uri);

/*
 * Finds the option at `index`; the options are in the order of the URI. *key and *value belong to the URI and stay
 * valid when an option is added. `key` or `value` may be NULL if the caller does not need it.
 *
 * -ERANGE        there is no such option, or `uri` is NULL; *key and *value are NULL
 */
int vdisk_uri_option(const char **key, const char **value, const struct vdisk_uri *uri, size_t index);

/*
 * Writes the URI as text, with escapes, so that parsing the text gives an equal object. The text includes option
 * values: do not log it, but use vdisk_uri_describe. Free *text with free().
 *
 * -EINVAL        an argument is NULL
 * -ENOMEM        out of memory; *text is NULL
 */
int vdisk_uri_format(char **text, const struct vdisk_uri *uri);

/*
 * Writes the URI as text for people and logs. It leaves option values out and shows unprintable bytes as \xNN. The text
 * is not meant to be parsed. Free *text with free().
 *
 * -EINVAL        an argument is NULL
 * -ENOMEM        out of memory; *text is NULL
 */
int vdisk_uri_describe(char **text, const struct vdisk_uri *uri);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
