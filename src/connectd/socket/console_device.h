/* SPDX-License-Identifier: Apache-2.0 */
/* Open a serial console: a Unix socket as qemu and libvirt make it, or a terminal. */
#ifndef EXC_CONSOLE_DEVICE_H
#define EXC_CONSOLE_DEVICE_H

/* Open `path`, without waiting and without following a link; a terminal passes bytes on as they
 * are. Returns a descriptor that is the caller's to close, or -1 with `problem` saying why. */
int console_open(const char *path, const char **problem);

#endif
