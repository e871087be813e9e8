/**
 * Numbers of the Linux ABI that the calls in this folder use. They are the same on x86-64 and arm64 unless marked.
 *
 * Sources: the kernel's uapi headers (`asm-generic/socket.h`, `linux/tcp.h`, `linux/in.h`, `linux/in6.h`,
 * `asm-generic/fcntl.h`, `linux/eventpoll.h`, `asm-generic/mman-common.h`).
 */

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;

export const SOCK_STREAM = 1;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_KEEPALIVE = 9;
export const SO_LINGER = 13;
export const SO_REUSEPORT = 15;
/** 64-bit time stamps: the control message carries two 64-bit integers (also named SO_TIMESTAMPNS_OLD). */
export const SO_TIMESTAMPNS = 35;

export const IPPROTO_IP = 0;
export const IPPROTO_TCP = 6;
export const IPPROTO_IPV6 = 41;
export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const IP_TRANSPARENT = 19;
export const IPV6_V6ONLY = 26;
export const IPV6_TRANSPARENT = 75;

export const MSG_PEEK = 0x2;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;

export const SHUT_WR = 1;

export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
export const EPOLLEXCLUSIVE = 1 << 28;
/** Edge triggered; bit 31, written as a signed number because the calls take one. */
export const EPOLLET = -0x80000000;

export const PROT_READ_WRITE = 3;
export const MAP_PRIVATE = 0x02;
export const MAP_ANONYMOUS = 0x20;
/** x86-64 only: an address below 2 GiB. Elsewhere an address hint does it. */
export const MAP_32BIT = 0x40;

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;

export const F_GETFL = 3;

/** Size of `struct epoll_event`: packed on x86-64, aligned elsewhere. */
export const EPOLL_EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
export const EPOLL_DATA_OFFSET = process.arch === 'x64' ? 4 : 8;
