# SPDX-License-Identifier: Apache-2.0
# A guest that fits into a boot sector: it prints nothing on its serial console until a key is pressed,
# and then a prompt each time.
	.code16
	.set DATA, 0x3f8
	.set STATUS, 0x3fd
	.set HAS_KEY, 0x01
	.set CAN_SEND, 0x20
	.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
wait_for_key:
	movw $STATUS, %dx
	inb %dx, %al
	testb $HAS_KEY, %al
	jz wait_for_key
	movw $DATA, %dx
	inb %dx, %al
	movw $prompt, %si
next:
	lodsb
	testb %al, %al
	jz wait_for_key
	movb %al, %ah
	movw $STATUS, %dx
can_send:
	inb %dx, %al
	testb $CAN_SEND, %al
	jz can_send
	movw $DATA, %dx
	movb %ah, %al
	outb %al, %dx
	jmp next
prompt:
	.asciz "guest login: "
	.org 510
	.word 0xaa55
