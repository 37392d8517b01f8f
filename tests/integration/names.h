/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names that nobody else has in the cluster. clean_up removes what has such a name. */
#ifndef NAMES_H
#define NAMES_H

/* rbd/IMAGE; or POOL/IMAGE, where `pool` may be what new_namespace returned. */
const char *new_image(void);
const char *new_image_in(const char *pool);
/* rbd/NAMESPACE, which is made. */
const char *new_namespace(void);
/* "client." and a name. The user is made, with these capabilities. */
const char *new_user(const char *mon, const char *osd);

/* The last part of such a name. */
const char *base_name(const char *spec);
/* The name of the image for QEMU's tools. Their syntax of URIs differs from libvdisk's in corners. */
const char *qemu_name(const char *spec);

#endif
