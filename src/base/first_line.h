/* SPDX-License-Identifier: Apache-2.0 */
/* The first line of a small file, such as the kernel has in /sys. */
#ifndef EXC_FIRST_LINE_H
#define EXC_FIRST_LINE_H

#define FIRST_LINE_SIZE 256

/* Read it without white space around it; longer ones are cut. Empty when there is none. */
void first_line(const char *path, char line[FIRST_LINE_SIZE]);

#endif
