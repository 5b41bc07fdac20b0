// Hides AVX-512, AVX-VNNI and AMX from a program, so that its AVX2 code is measured on a
// processor that has more: LD_PRELOAD of this as a library. Linux on x86-64 can let the
// instruction CPUID fail (a flag that threads and children of the same program inherit);
// the handler here answers it without those features. Exits with 77 where that is not
// possible.

#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012

static struct sigaction before;

static int let_cpuid_run(int on) { return syscall(SYS_arch_prctl, ARCH_SET_CPUID, on); }

// Bits of leaf 7, as Intel's manual numbers them.
static void hide(unsigned leaf, unsigned sub, unsigned r[4]) {
  if (leaf == 7 && sub == 0) {
    r[1] &= ~(1u << 16 | 1u << 17 | 1u << 21 | 1u << 28 | 1u << 30 | 1u << 31); // F DQ IFMA CD BW VL
    r[2] &= ~(1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14); // VBMI VBMI2 VNNI BITALG VPOPCNTDQ
    r[3] &= ~(1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25); // VP2INTERSECT, AMX, FP16
  } else if (leaf == 7 && sub == 1) {
    r[0] &= ~(1u << 4 | 1u << 5 | 1u << 21 | 1u << 23); // AVX-VNNI, BF16, AMX-FP16, AVX-IFMA
    r[3] &= ~(1u << 4 | 1u << 5 | 1u << 8 | 1u << 10 | 1u << 19); // AVX-VNNI-INT8 …, AMX-COMPLEX, AVX10
  } else if (leaf == 0x24) {
    r[0] = r[1] = r[2] = r[3] = 0; // AVX10
  }
}

static void answer(int number, siginfo_t *info, void *context) {
  greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
  const unsigned char *code = (const unsigned char *)r[REG_RIP];
  // A general protection fault has no address of its own; others may be outside any memory.
  if (info->si_code == SI_KERNEL && code[0] == 0x0f && code[1] == 0xa2) {
    unsigned leaf = (unsigned)r[REG_RAX], sub = (unsigned)r[REG_RCX], got[4];
    let_cpuid_run(1);
    __cpuid_count(leaf, sub, got[0], got[1], got[2], got[3]);
    let_cpuid_run(0);
    hide(leaf, sub, got);
    r[REG_RAX] = got[0], r[REG_RBX] = got[1], r[REG_RCX] = got[2], r[REG_RDX] = got[3];
    r[REG_RIP] += 2;
    return;
  }
  // Some other fault: it happens again under the handler that was there.
  sigaction(number, &before, NULL);
}

__attribute__((constructor)) static void begin(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = answer;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (sigaction(SIGSEGV, &action, &before) != 0 || let_cpuid_run(0) != 0) _exit(77);
}
