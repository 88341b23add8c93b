/* SPDX-License-Identifier: Apache-2.0 */
/* The first line of a small file, such as those in /sys. */
#ifndef EXC_BASE_FIRST_LINE_H
#define EXC_BASE_FIRST_LINE_H

#define FIRST_LINE_SIZE 256

/* Read it without white space around it; a longer line is cut. Empty if it cannot be read. */
void first_line(const char *path, char line[FIRST_LINE_SIZE]);

#endif
