//! The system calls that a plugin's process may make: a list of what is allowed, so that what is new or
//! forgotten is refused. Refused calls fail with EPERM; nothing is killed for trying.

use std::collections::BTreeMap;

use libc as c;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::manifest::Net;

/// For every plugin: memory, threads, time, waiting, and work on descriptors that are open already.
const ALWAYS: &[c::c_long] = &[
    // memory
    c::SYS_brk,
    c::SYS_mmap,
    c::SYS_munmap,
    c::SYS_mprotect,
    c::SYS_mremap,
    c::SYS_madvise,
    c::SYS_membarrier,
    c::SYS_mlock,
    c::SYS_munlock,
    c::SYS_mincore,
    // threads; clone and prctl have conditions, clone3 is answered by a filter of its own
    c::SYS_clone3,
    c::SYS_futex,
    c::SYS_set_robust_list,
    c::SYS_rseq,
    c::SYS_set_tid_address,
    c::SYS_gettid,
    c::SYS_getpid,
    c::SYS_sched_yield,
    c::SYS_sched_getaffinity,
    c::SYS_exit,
    c::SYS_exit_group,
    c::SYS_getcpu,
    // signals, which a crash needs as well
    c::SYS_rt_sigaction,
    c::SYS_rt_sigprocmask,
    c::SYS_rt_sigreturn,
    c::SYS_sigaltstack,
    c::SYS_rt_sigtimedwait,
    c::SYS_restart_syscall,
    // time and chance
    c::SYS_clock_gettime,
    c::SYS_clock_getres,
    c::SYS_clock_nanosleep,
    c::SYS_nanosleep,
    c::SYS_gettimeofday,
    c::SYS_getrandom,
    c::SYS_getitimer,
    c::SYS_times,
    // descriptors
    c::SYS_read,
    c::SYS_write,
    c::SYS_readv,
    c::SYS_writev,
    c::SYS_pread64,
    c::SYS_lseek,
    c::SYS_close,
    c::SYS_close_range,
    c::SYS_dup,
    c::SYS_dup3,
    c::SYS_fcntl,
    c::SYS_ioctl,
    c::SYS_fstat,
    c::SYS_newfstatat,
    c::SYS_statx,
    c::SYS_pipe2,
    c::SYS_eventfd2,
    c::SYS_timerfd_create,
    c::SYS_timerfd_settime,
    c::SYS_timerfd_gettime,
    // waiting
    c::SYS_ppoll,
    c::SYS_pselect6,
    c::SYS_epoll_create1,
    c::SYS_epoll_ctl,
    c::SYS_epoll_pwait,
    c::SYS_epoll_pwait2,
    // talking over a socket that is there: the one to the appliance, and pairs within the process
    c::SYS_socketpair,
    c::SYS_sendto,
    c::SYS_recvfrom,
    c::SYS_sendmsg,
    c::SYS_recvmsg,
    c::SYS_sendmmsg,
    c::SYS_recvmmsg,
    c::SYS_shutdown,
    c::SYS_getsockopt,
    c::SYS_setsockopt,
    c::SYS_getsockname,
    c::SYS_getpeername,
    // asking who one is
    c::SYS_getuid,
    c::SYS_geteuid,
    c::SYS_getgid,
    c::SYS_getegid,
    c::SYS_getppid,
    c::SYS_uname,
    c::SYS_getrusage,
    c::SYS_sysinfo,
    c::SYS_getcwd,
];

/// The same under the names of older days, which only some machines have.
#[cfg(target_arch = "x86_64")]
const OLD: &[c::c_long] = &[
    c::SYS_time,
    c::SYS_poll,
    c::SYS_select,
    c::SYS_epoll_create,
    c::SYS_epoll_wait,
    c::SYS_pipe,
    c::SYS_dup2,
    c::SYS_eventfd,
    c::SYS_stat,
    c::SYS_lstat,
    c::SYS_arch_prctl,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[c::c_long] = &[];

/// For plugins that talk to the outside; `socket` and `openat` have conditions.
const OUTSIDE: &[c::c_long] = &[c::SYS_connect, c::SYS_bind, c::SYS_readlinkat, c::SYS_getdents64];
/// For plugins that others connect to.
const LISTENING: &[c::c_long] = &[c::SYS_listen, c::SYS_accept, c::SYS_accept4];

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Outcome<T> = Result<T, BackendError>;

/// The two filters, in the order in which they are put in force: the second allows no further one.
pub fn filters(net: &[Net]) -> Outcome<[BpfProgram; 2]> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let denied = SeccompAction::Errno(c::EPERM as u32);
    let allowed = SeccompFilter::new(allowed(net)?, denied, SeccompAction::Allow, arch)?;
    // The C library makes threads by clone when clone3 is not there; clone's flags can be looked at.
    let absent = SeccompAction::Errno(c::ENOSYS as u32);
    let clone3 = Rules::from([(c::SYS_clone3, vec![])]);
    let clone3 = SeccompFilter::new(clone3, SeccompAction::Allow, absent, arch)?;
    Ok([clone3.try_into()?, allowed.try_into()?])
}

fn allowed(net: &[Net]) -> Outcome<Rules> {
    let mut rules: Rules = ALWAYS.iter().chain(OLD).map(|call| (*call, vec![])).collect();
    rules.insert(c::SYS_clone, vec![any_bits(0, c::CLONE_THREAD as u64)?]);
    rules.insert(c::SYS_prctl, prctl()?);
    rules.extend(to_oneself()?);
    rules.insert(c::SYS_prlimit64, vec![all(&[equal(2, 0)?])?]);
    if !net.is_empty() {
        rules.extend(OUTSIDE.iter().map(|call| (*call, vec![])));
        rules.insert(c::SYS_socket, sockets()?);
        rules.insert(c::SYS_openat, vec![reading()?]);
    }
    if net.iter().any(|net| matches!(net, Net::Listen(_))) {
        rules.extend(LISTENING.iter().map(|call| (*call, vec![])));
    }
    Ok(rules)
}

/// Names of threads, and nothing that loosens what holds the process.
fn prctl() -> Outcome<Vec<SeccompRule>> {
    [c::PR_SET_NAME, c::PR_GET_NAME, c::PR_SET_VMA].iter().map(|op| all(&[equal(0, *op as u64)?])).collect()
}

/// Signals to oneself, as abort sends one; never to another process.
fn to_oneself() -> Outcome<Rules> {
    let own = u64::from(std::process::id());
    let to_own = || all(&[equal(0, own)?]);
    Ok(Rules::from([(c::SYS_kill, vec![to_own()?]), (c::SYS_tgkill, vec![to_own()?])]))
}

/// Internet sockets of the ordinary kinds, and the kernel's own news of addresses, which name look-up asks for.
fn sockets() -> Outcome<Vec<SeccompRule>> {
    const KIND: u64 = 0xf;
    let mut rules = Vec::new();
    for domain in [c::AF_INET, c::AF_INET6] {
        for kind in [c::SOCK_STREAM, c::SOCK_DGRAM] {
            rules.push(all(&[equal(0, domain as u64)?, masked(1, KIND, kind as u64)?])?);
        }
    }
    rules.push(all(&[equal(0, c::AF_NETLINK as u64)?, equal(2, c::NETLINK_ROUTE as u64)?])?);
    Ok(rules)
}

/// Opening for reading only; which files, Landlock says.
fn reading() -> Outcome<SeccompRule> {
    const CHANGES: u64 = (c::O_WRONLY | c::O_RDWR | c::O_CREAT | c::O_TRUNC | c::O_APPEND) as u64;
    all(&[masked(2, CHANGES, 0)?])
}

fn all(conditions: &[SeccompCondition]) -> Outcome<SeccompRule> {
    SeccompRule::new(conditions.to_vec())
}

fn equal(argument: u8, value: u64) -> Outcome<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn masked(argument: u8, mask: u64, value: u64) -> Outcome<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
}

fn any_bits(argument: u8, bits: u64) -> Outcome<SeccompRule> {
    all(&[masked(argument, bits, bits)?])
}
