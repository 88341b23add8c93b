/* SPDX-License-Identifier: Apache-2.0 */
/* A dynamically linked program that does nothing: what starting any program costs here. */
int main(void)
{
	return 0;
}
