// SPDX-License-Identifier: MIT
/* The read side of gzfile_open(): zlib's inflate behind fopencookie(3). */
#include "gzfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

struct gzfile {
	int fd;
	bool eof;     /* nothing more to be read from fd */
	bool done;    /* nothing more to be delivered */
	bool between; /* at the end of one gzip member, perhaps before another */
	z_stream z;
	struct gzfile_end *end;
	unsigned char in[64 * 1024];
};

/* Reads once more from the file, behind what is still unused in the buffer. */
static void refill(struct gzfile *g)
{
	ssize_t n;

	if (g->z.avail_in && g->z.next_in != g->in)
		memmove(g->in, g->z.next_in, g->z.avail_in);
	g->z.next_in = g->in;
	n = read(g->fd, g->in + g->z.avail_in, sizeof(g->in) - g->z.avail_in);
	if (n < 0) /* EINTR too: only a wish to stop interrupts a reader */
		g->end->error = errno;
	if (n <= 0)
		g->eof = true;
	else
		g->z.avail_in += (uInt)n;
}

static bool looks_like_gzip(struct gzfile *g)
{
	while (!g->eof && g->z.avail_in < 2)
		refill(g);
	return g->z.avail_in >= 2 && g->z.next_in[0] == 0x1f && g->z.next_in[1] == 0x8b;
}

static size_t read_plain(struct gzfile *g, char *buf, size_t size)
{
	size_t n;

	if (!g->z.avail_in && !g->eof)
		refill(g);
	n = g->z.avail_in < size ? g->z.avail_in : size;
	memcpy(buf, g->z.next_in, n);
	g->z.next_in += n;
	g->z.avail_in -= (uInt)n;
	return n;
}

/* After one member: another follows (gzip files may be joined), or that was all. */
static void next_member(struct gzfile *g)
{
	if (looks_like_gzip(g) && inflateReset(&g->z) == Z_OK)
		g->between = false;
	else
		g->done = true;
}

static void inflate_some(struct gzfile *g)
{
	int ret;

	if (!g->z.avail_in && !g->eof)
		refill(g);
	ret = inflate(&g->z, Z_NO_FLUSH);
	if (ret == Z_STREAM_END) {
		g->between = true;
	} else if (ret == Z_BUF_ERROR || (ret == Z_OK && g->eof && !g->z.avail_in && g->z.avail_out)) {
		g->end->cut = g->done = g->eof && !g->z.avail_in;
	} else if (ret != Z_OK) {
		g->end->corrupt = g->done = true;
		g->end->why = g->z.msg ? g->z.msg : zError(ret);
	}
}

static size_t read_gzip(struct gzfile *g, char *buf, size_t size)
{
	g->z.next_out = (Bytef *)buf;
	g->z.avail_out = (uInt)size;
	while (g->z.avail_out == size && !g->done) {
		if (g->between)
			next_member(g);
		else
			inflate_some(g);
	}
	return size - g->z.avail_out;
}

static ssize_t on_read(void *cookie, char *buf, size_t size)
{
	struct gzfile *g = cookie;

	if (size > 1u << 30)
		size = 1u << 30;
	return (ssize_t)(g->end->compressed ? read_gzip(g, buf, size) : read_plain(g, buf, size));
}

static int on_close(void *cookie)
{
	struct gzfile *g = cookie;

	if (g->end->compressed)
		inflateEnd(&g->z);
	if (g->fd != STDIN_FILENO)
		close(g->fd);
	free(g);
	return 0;
}

static struct gzfile *gzfile_new(const char *path, struct gzfile_end *end)
{
	struct gzfile *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	*end = (struct gzfile_end){0};
	g->end = end;
	g->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (g->fd < 0) {
		free(g);
		return NULL;
	}
	return g;
}

FILE *gzfile_open(const char *path, struct gzfile_end *end)
{
	const cookie_io_functions_t io = {.read = on_read, .close = on_close};
	struct gzfile *g = gzfile_new(path, end);
	FILE *file;
	int error;

	if (!g)
		return NULL;
	if (looks_like_gzip(g)) {
		end->compressed = inflateInit2(&g->z, 15 + 16) == Z_OK;
		if (!end->compressed)
			end->error = ENOMEM;
	}
	file = end->error ? NULL : fopencookie(g, "rb", io);
	if (file)
		return file;
	error = end->error ? end->error : errno;
	on_close(g);
	errno = error;
	return NULL;
}
