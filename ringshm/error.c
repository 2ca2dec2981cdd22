/* SPDX-License-Identifier: MIT */
/* The sentence that explains the calling thread's last failure. */
#include "config.h"

#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static __thread char last_error[512];

int ringshm__fail(int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last_error, sizeof(last_error), format, arguments);
	va_end(arguments);
	return -error;
}

const char *ringshm_last_error(void)
{
	return last_error;
}

const char *ringshm__reason(int error)
{
	const char *text = strerrordesc_np(error);

	if (error == EMFILE) /* rings take many descriptors, and the usual limit is for people who do not */
		return "this process has as many files open as it may; run: ulimit -n 65536 (systemd: LimitNOFILE=65536)";
	if (error == ENFILE)
		return "the machine has as many files open as it may; run: sysctl fs.file-max=1000000";
	return text ? text : "an error that the system has no words for";
}

const char *ringshm__bytes(uint64_t bytes, char text[static 24])
{
	static const char unit[][4] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	unsigned int i = 0;
	double value = (double)bytes;

	while (value >= 1024 && i < 5) {
		value /= 1024;
		i++;
	}
	snprintf(text, 24, value == (double)(uint64_t)value ? "%.0f %s" : "%.1f %s", value, unit[i]);
	return text;
}

const char *ringshm_kind_name(uint32_t kind)
{
	static const char *const name[] = {"unknown", "spsc", "token", "mpmc", "bcast"};

	return name[kind < sizeof(name) / sizeof(name[0]) ? kind : 0];
}

const char *ringshm_backend_name(uint32_t backend)
{
	static const char *const name[] = {"auto", "shm", "memfd", "hugetlbfs", "thp", "sysv", "kmod"};

	return backend < sizeof(name) / sizeof(name[0]) ? name[backend] : "unknown";
}
