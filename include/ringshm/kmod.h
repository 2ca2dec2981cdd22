/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/* The ioctls of /dev/ringshm and of the regions it makes; shared by ringshm.ko and its users. */
#ifndef RINGSHM_KMOD_H
#define RINGSHM_KMOD_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * /dev/ringshm is a factory.  CREATE and OPEN on it return a descriptor of a
 * *region*, which is a file of its own: it is mapped with mmap(), passed over
 * sockets, inherited, and its memory lives as long as a descriptor, a mapping
 * or a name refers to it.
 *
 * Every argument structure begins with its size as the caller was compiled.
 * A shorter one than the kernel's is completed with zeros (shorter than its
 * first version: -EINVAL), a longer one is accepted if what the kernel does
 * not know is zero, else, and beyond a page, -E2BIG.  What the kernel writes
 * back is never longer than that size, which stays as it was.  Structures only
 * grow.  Unknown flags and non-zero padding are refused with -EINVAL, an
 * address that cannot be read or written with -EFAULT, an unknown command with
 * -ENOTTY.  Whatever returns a descriptor may fail with -EMFILE, -ENFILE and
 * -ENOMEM, too.
 */
#define RINGSHM_KMOD_DEVICE "/dev/ringshm"
#define RINGSHM_KMOD_ABI 1
#define RINGSHM_KMOD_NAME_MAX 64      /* with the closing zero */
#define RINGSHM_KMOD_BLOCK (2u << 20) /* bytes; regions are made of these */
#define RINGSHM_KMOD_IDS 1024	      /* participant ids of one region */

/* Flavours of memory. */
#define RINGSHM_KMOD_BLOCKS 0	  /* 2 MiB blocks, each physically contiguous */
#define RINGSHM_KMOD_CONTIGUOUS 1 /* one physical run; CAP_SYS_ADMIN */

/* Where: a node number, or one of these. */
#define RINGSHM_KMOD_NODE_LOCAL (-1)	  /* of the calling CPU, others if it is full */
#define RINGSHM_KMOD_NODE_INTERLEAVE (-2) /* block i on the i-th node, round robin */

/* ringshm_kmod_create.flags and ringshm_kmod_open.flags */
#define RINGSHM_KMOD_RDONLY 0x1 /* the descriptor returned may only read */

/**
 * RINGSHM_KMOD_CREATE on the device: makes a region, returns its descriptor.
 *
 * The descriptor is close-on-exec.  All memory is allocated and zeroed before
 * the call returns.  An empty name makes an anonymous region.
 *
 * -EINVAL: length 0 or no multiple of 2 MiB, flavour, flags, mode or node
 * unknown, name not ended by a zero or containing '/'; -EEXIST: name taken;
 * -EPERM: contiguous without CAP_SYS_ADMIN; -EACCES: the device was opened
 * read-only; -EDQUOT: over the module's quota (quota_total_mib,
 * quota_user_mib); -ENOBUFS: over RLIMIT_MEMLOCK; -ENOMEM: no memory on that
 * node, or no run that long; -EINTR: killed while searching.
 */
struct ringshm_kmod_create {
	__u32 size;
	__u32 flags;
	__aligned_u64 length; /* bytes */
	__u32 flavour;
	__s32 node;
	__u32 mode; /* permission bits of a named region */
	__u32 pad;
	char name[RINGSHM_KMOD_NAME_MAX];
};

/**
 * RINGSHM_KMOD_OPEN on the device: returns a descriptor of a named region.
 *
 * -EINVAL: no name, or none that there could be; -ENOENT: no such name;
 * -EACCES: the region's owner, group and mode do not allow it, or writing was
 * asked through a device opened read-only.
 */
struct ringshm_kmod_open {
	__u32 size;
	__u32 flags;
	char name[RINGSHM_KMOD_NAME_MAX];
};

/**
 * RINGSHM_KMOD_UNLINK on the device: takes the name away; the memory goes with
 * the last descriptor or mapping.
 *
 * -EINVAL, -ENOENT: as for open; -EPERM: neither the owner nor CAP_FOWNER;
 * -EACCES: the device was opened read-only.
 */
struct ringshm_kmod_unlink {
	__u32 size;
	__u32 flags;
	char name[RINGSHM_KMOD_NAME_MAX];
};

/**
 * RINGSHM_KMOD_INFO on a region; on the device, about the named region that
 * comes next after @name in byte order (empty name: the first one), -ENOENT at
 * the end.  Anybody who may open the device may list names.
 */
struct ringshm_kmod_info {
	__u32 size;
	__u32 flags;			  /* out: RINGSHM_KMOD_RDONLY of this descriptor */
	char name[RINGSHM_KMOD_NAME_MAX]; /* out; in: cursor, on the device only */
	__aligned_u64 length;		  /* bytes */
	__aligned_u64 run_length;	  /* longest physically contiguous run, bytes */
	__aligned_u64 runs;		  /* number of such runs */
	__aligned_u64 node_mask;	  /* bit n: some block lies on node n (n < 64) */
	__aligned_u64 phys;		  /* of the first byte; 0 without CAP_SYS_ADMIN */
	__aligned_u64 ino;		  /* as fstat() of the region tells */
	__aligned_u64 mappings;		  /* memory areas that map the region now */
	__aligned_u64 descriptors;	  /* open file descriptions now */
	__aligned_u64 attached;		  /* participant ids in use now */
	__aligned_u64 deaths;		  /* participant ids that were given up */
	__aligned_u64 wakes;		  /* wake-ups so far */
	__u32 flavour;
	__s32 node; /* as asked at creation */
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 abi; /* RINGSHM_KMOD_ABI of the module */
};

/**
 * RINGSHM_KMOD_PLACEMENT on a region: the node of each of @count blocks from
 * block @first on is stored at @nodes (an array of __s32).  Returns how many
 * were stored.  -EINVAL: @first beyond the region.
 */
struct ringshm_kmod_placement {
	__u32 size;
	__u32 flags;
	__aligned_u64 first;
	__aligned_u64 count;
	__aligned_u64 nodes; /* user address */
};

/**
 * RINGSHM_KMOD_DUP on a region: a new open file description of the same
 * region.  With RINGSHM_KMOD_RDONLY it may only read, for good: neither
 * mprotect() nor a debugger nor opening it again makes it writable.
 * -EACCES: writing asked through a read-only descriptor.
 */
struct ringshm_kmod_dup {
	__u32 size;
	__u32 flags;
};

/**
 * RINGSHM_KMOD_ATTACH on a region: this open file description becomes
 * participant @id (RINGSHM_KMOD_ANY_ID: the lowest free one, stored in @id).
 *
 * Mappings made through it afterwards are not inherited by fork(); when the
 * last of them is gone, or the description is closed without ever having been
 * mapped, the participant is dead: the id is free again, `deaths` counts up
 * and everybody who polls the region wakes.  Allowed to readers, as most
 * consumers are; so ids are only as exclusive as the region's mode.
 * -EBUSY: @id is alive; -EALREADY: this description has an id, or is mapped
 * already; -ENOSPC: none free; -EINVAL: @id is RINGSHM_KMOD_IDS or more.
 */
#define RINGSHM_KMOD_ANY_ID 0xffffffffu
struct ringshm_kmod_attach {
	__u32 size;
	__u32 flags;
	__u32 id; /* in and out */
	__u32 pad;
};

/**
 * RINGSHM_KMOD_ALIVE on a region: is participant @id attached?  Returns 1 or 0.
 * -EINVAL: there is no such id.
 */
struct ringshm_kmod_alive {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 pad;
};

/**
 * RINGSHM_KMOD_WAKE on a region: wakes everybody who polls it and signals every
 * registered eventfd.  Allowed to readers too (a consumer wakes a producer).
 *
 * A region polls readable from a wake-up on until the woken description
 * acknowledges by read() of 8 bytes: the number of wake-ups since the last
 * acknowledgement, -EAGAIN if none.
 */
struct ringshm_kmod_wake {
	__u32 size;
	__u32 flags;
};

/**
 * RINGSHM_KMOD_EVENTFD on a region: every wake-up adds 1 to eventfd @fd until
 * this open file description is released; @fd -1 takes the registration back.
 * -EBUSY: one is registered; -EBADF, -EINVAL: @fd is no eventfd; -ENOENT:
 * nothing to take back.
 */
struct ringshm_kmod_eventfd {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 pad;
};

#define RINGSHM_KMOD_MAGIC 0xb5
#define RINGSHM_KMOD_CREATE _IO(RINGSHM_KMOD_MAGIC, 0)
#define RINGSHM_KMOD_OPEN _IO(RINGSHM_KMOD_MAGIC, 1)
#define RINGSHM_KMOD_UNLINK _IO(RINGSHM_KMOD_MAGIC, 2)
#define RINGSHM_KMOD_INFO _IO(RINGSHM_KMOD_MAGIC, 3)
#define RINGSHM_KMOD_PLACEMENT _IO(RINGSHM_KMOD_MAGIC, 4)
#define RINGSHM_KMOD_DUP _IO(RINGSHM_KMOD_MAGIC, 5)
#define RINGSHM_KMOD_ATTACH _IO(RINGSHM_KMOD_MAGIC, 6)
#define RINGSHM_KMOD_ALIVE _IO(RINGSHM_KMOD_MAGIC, 7)
#define RINGSHM_KMOD_WAKE _IO(RINGSHM_KMOD_MAGIC, 8)
#define RINGSHM_KMOD_EVENTFD _IO(RINGSHM_KMOD_MAGIC, 9)

#endif /* RINGSHM_KMOD_H */
