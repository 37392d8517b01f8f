/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests of fencing share these helpers. clean_up takes off the blocklist whom they put there. */
#ifndef FENCING_H
#define FENCING_H

/* Returns the address of the client that watches the image, which is the only one that can write. */
const char *client_of(const char *image);

/* Has the cluster shut out the client at this address. */
void fence_client(const char *address);
/* Has the cluster shut out client_of(image). Returns its address. */
const char *fence(const char *image);
/* Has clean_up take a client off the blocklist that something else puts there. */
void unfence_later(const char *address);

#endif
