"""Machine code that makes system calls as a table says: ``run(table)``.

Nothing else may run between a fork and an execution, or in a process whose program has not
started yet. The table, in 64-bit words: where a failed entry's address and its result go, the
address of the entries to go on with then, and after these 3 words the entries, 11 words each:

    the call's number, its 6 arguments, the least and the greatest result that is right,
    an address where the result is kept as 32 bits, or 0,
    the address of the entry to go on with when the result is 0, or 0

An entry whose number is -1 is not a call: its first argument is the address of the entry to go on
with, or 0 to return. ``run`` uses no stack but for what it returns with, because a child may share
its parent's. Encodings are from the Intel SDM and the Arm ARM; ``as`` gives the same bytes.
"""

from __future__ import annotations

import struct

HEADER_SIZE = 3 * 8
"""Bytes; that of an entry is in ``spawner/layout.py``, for the spawner counts with it too."""

CODE = {
    "x86_64": bytes.fromhex(
        "53"  #                 push rbx
        "4154"  #               push r12
        "4989fc"  #             mov r12, rdi
        "488d5f18"  #           lea rbx, [rdi+24]      ; the first entry
        "488b03"  #       next: mov rax, [rbx]
        "4885c0"  #             test rax, rax
        "785a"  #               js control
        "488b7b08"  #           mov rdi, [rbx+8]
        "488b7310"  #           mov rsi, [rbx+16]
        "488b5318"  #           mov rdx, [rbx+24]
        "4c8b5320"  #           mov r10, [rbx+32]
        "4c8b4328"  #           mov r8, [rbx+40]
        "4c8b4b30"  #           mov r9, [rbx+48]
        "0f05"  #               syscall
        "488b7b48"  #           mov rdi, [rbx+72]      ; where to keep the result
        "4885ff"  #             test rdi, rdi
        "7402"  #               jz branch
        "8907"  #               mov [rdi], eax
        "4885c0"  #     branch: test rax, rax
        "750e"  #               jnz judge
        "488b7b50"  #           mov rdi, [rbx+80]      ; where to go on
        "4885ff"  #             test rdi, rdi
        "7405"  #               jz judge
        "4889fb"  #             mov rbx, rdi
        "ebc0"  #               jmp next
        "483b4338"  #    judge: cmp rax, [rbx+56]
        "7c0c"  #               jl failed
        "483b4340"  #           cmp rax, [rbx+64]
        "7f06"  #               jg failed
        "4883c358"  #           add rbx, 88
        "ebae"  #               jmp next
        "49891c24"  #   failed: mov [r12], rbx
        "4989442408"  #         mov [r12+8], rax
        "498b5c2410"  #         mov rbx, [r12+16]
        "eb9e"  #               jmp next
        "488b5b08"  #  control: mov rbx, [rbx+8]
        "4885db"  #             test rbx, rbx
        "7595"  #               jnz next
        "415c"  #               pop r12
        "5b"  #                 pop rbx
        "c3"  #                 ret
    ),
    "aarch64": struct.pack(
        "<31I",
        0xA9BF53F3,  #          stp x19, x20, [sp, #-16]!
        0xAA0003F4,  #          mov x20, x0
        0x91006013,  #          add x19, x0, #24       ; the first entry
        0xF9400268,  #    next: ldr x8, [x19]
        0xB7F802E8,  #          tbnz x8, #63, control
        0xA9408660,  #          ldp x0, x1, [x19, #8]
        0xA9418E62,  #          ldp x2, x3, [x19, #24]
        0xA9429664,  #          ldp x4, x5, [x19, #40]
        0xD4000001,  #          svc #0
        0xF9402669,  #          ldr x9, [x19, #72]     ; where to keep the result
        0xB4000049,  #          cbz x9, branch
        0xB9000120,  #          str w0, [x9]
        0xB50000A0,  #  branch: cbnz x0, judge
        0xF9402A69,  #          ldr x9, [x19, #80]     ; where to go on
        0xB4000069,  #          cbz x9, judge
        0xAA0903F3,  #          mov x19, x9
        0x17FFFFF3,  #          b next
        0xA943AA69,  #   judge: ldp x9, x10, [x19, #56]
        0xEB09001F,  #          cmp x0, x9
        0x540000AB,  #          b.lt failed
        0xEB0A001F,  #          cmp x0, x10
        0x5400006C,  #          b.gt failed
        0x91016273,  #          add x19, x19, #88
        0x17FFFFEC,  #          b next
        0xA9000293,  #  failed: stp x19, x0, [x20]
        0xF9400A93,  #          ldr x19, [x20, #16]
        0x17FFFFE9,  #          b next
        0xF9400673,  # control: ldr x19, [x19, #8]
        0xB5FFFCF3,  #          cbnz x19, next
        0xA8C153F3,  #          ldp x19, x20, [sp], #16
        0xD65F03C0,  #          ret
    ),
}
"""By machine."""
