/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Naming an image: the `rbd:` URI, parsed into its parts.
 *
 *   rbd:POOL/[NAMESPACE/]IMAGE[@SNAPSHOT][:KEY=VALUE]...
 *
 * The first unescaped `:` after the prefix ends the path and starts the options. In the path an unescaped `@` starts
 * the snapshot; in option values `@`, `/` and `=` are plain bytes. A backslash makes the byte after it plain, wherever
 * it stands: `rbd:pool/image\@with\:odd\/name`. An empty namespace is the pool's default namespace.
 *
 * The options `id` (the Ceph user, without "client.") and `conf` (a Ceph configuration file) are libvdisk's own: the
 * last one wins, an empty one is an error. Every other key is the name of a Ceph configuration option. Which of them
 * a URI may set is the business of the policy given at open (enum vdisk_uri_policy in disk.h); parsing accepts all.
 *
 * A `struct vdisk_uri` is plain memory: nothing here blocks, contacts a cluster or checks that something exists. Any
 * thread may use one, and several threads may read the same one while none changes it.
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

/* The longest text that parses, in bytes without the final NUL. Its parts have no limit of their own: Ceph judges. */
#define VDISK_URI_MAX 65535

/*
 * Parses `text`. On success *uri is a new object to be freed with vdisk_uri_free.
 *
 * -EINVAL        not a URI by the grammar above: the message says which part and at which byte offset; or an argument
 *                is NULL
 * -ENAMETOOLONG  longer than VDISK_URI_MAX
 * -ENOMEM        out of memory
 */
int vdisk_uri_parse(struct vdisk_uri **uri, const char *text, struct vdisk_error *err);

/*
 * Makes a URI object from its parts, taken as they are: no escaping. `name_space` and `snapshot` may be NULL; an empty
 * `name_space` is the default one. Options are added with vdisk_uri_add_option.
 *
 * -EINVAL        `uri` is NULL, pool or image is NULL or empty, or the snapshot is given but empty
 * -ENAMETOOLONG  the URI would be longer than VDISK_URI_MAX, so its text could not be parsed again
 * -ENOMEM        out of memory
 */
int vdisk_uri_new(struct vdisk_uri **uri, const char *pool, const char *name_space, const char *image,
                  const char *snapshot, struct vdisk_error *err);

/*
 * Appends an option, after those already there. The URI's policy applies to it as to a parsed one; an option of the
 * program itself belongs in struct vdisk_open_options instead.
 *
 * -EINVAL        an argument is NULL, the key is empty, or `id` or `conf` is given an empty value
 * -ENAMETOOLONG  as for vdisk_uri_new
 * -ENOMEM        out of memory
 * On failure the object is unchanged.
 */
int vdisk_uri_add_option(struct vdisk_uri *uri, const char *key, const char *value, struct vdisk_error *err);

void vdisk_uri_free(struct vdisk_uri *uri);

/*
 * The parts, unescaped. The strings belong to the object and live until it is freed. The namespace is "" for the
 * default one; the snapshot is NULL when the URI names none. Of a NULL `uri` every part is NULL.
 */
const char *vdisk_uri_pool(const struct vdisk_uri *uri);
const char *vdisk_uri_namespace(const struct vdisk_uri *uri);
const char *vdisk_uri_image(const struct vdisk_uri *uri);
const char *vdisk_uri_snapshot(const struct vdisk_uri *uri);

/* How many options there are, duplicates included; 0 for a NULL `uri`. */
size_t vdisk_uri_option_count(const struct vdisk_uri *uri);

/*
 * The option at `index`, in their order: *key and *value belong to the object. Adding an option leaves them valid.
 * Either may be NULL where it is not of interest.
 *
 * -ERANGE  there is no such option, as with a NULL `uri`; *key and *value are NULL
 */
int vdisk_uri_option(const char **key, const char **value, const struct vdisk_uri *uri, size_t index);

/*
 * Writes the URI as text, escaped so that parsing it gives an equal object. Option values are included: do not log
 * it, see vdisk_uri_describe. *text is to be freed with free().
 *
 * -EINVAL  an argument is NULL
 * -ENOMEM  out of memory; *text is NULL
 */
int vdisk_uri_format(char **text, const struct vdisk_uri *uri);

/*
 * Writes the URI as text for people and logs: option values are left out, unprintable bytes appear as \xNN. It is
 * not meant to be parsed. *text is to be freed with free().
 *
 * -EINVAL  an argument is NULL
 * -ENOMEM  out of memory; *text is NULL
 */
int vdisk_uri_describe(char **text, const struct vdisk_uri *uri);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
