/* SPDX-License-Identifier: Apache-2.0 */
/* Open a serial console: a Unix socket as qemu and libvirt make it, or a terminal. */
#ifndef EXC_CONNECTD_SOCKET_CONSOLE_DEVICE_H
#define EXC_CONNECTD_SOCKET_CONSOLE_DEVICE_H

/* Open `path`, without waiting and without following a link; a terminal is set to raw mode. Returns
 * a descriptor for the caller to close, or -1 with the reason in `problem`. */
int console_open(const char *path, const char **problem);

#endif
