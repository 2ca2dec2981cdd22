/* SPDX-License-Identifier: MIT */
/* cbench: Google Benchmark for C. Registering, the loop, arguments, threads, manual time, counters, main. */
#ifndef RINGSHM_BENCH_CBENCH_H
#define RINGSHM_BENCH_CBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 *   static void copying(struct cbench_state *s, void *arg)
 *   {
 *           while (cbench_keep_running(s))
 *                   memcpy(to, from, (size_t)cbench_range(s, 0));
 *           cbench_bytes_processed(s, cbench_iterations_done(s) * cbench_range(s, 0));
 *   }
 *   ...
 *   struct cbench *b = cbench_register("copying", copying, NULL);
 *   cbench_args(b, (int64_t[]){ 64 }, 1);
 *   cbench_args(b, (int64_t[]){ 4096 }, 1);
 *   return cbench_main(argc, argv);
 */
struct cbench;
struct cbench_state;
typedef void cbench_function(struct cbench_state *s, void *arg);

/* ---- registering, before cbench_main() or cbench_run() -------------------------------------- */

/* `name` is copied, `arg` is handed to every call of `function`. NULL: no memory. */
struct cbench *cbench_register(const char *name, cbench_function *function, void *arg);

/* One more set of arguments to run it with; cbench_range() reads them. */
void cbench_args(struct cbench *b, const int64_t *args, size_t n);
void cbench_arg_names(struct cbench *b, const char *const *names, size_t n);
void cbench_threads(struct cbench *b, int threads);
void cbench_iterations(struct cbench *b, int64_t iterations); /* exactly so many, instead of long enough */
void cbench_repetitions(struct cbench *b, int repetitions);
void cbench_min_time(struct cbench *b, double seconds);
void cbench_use_real_time(struct cbench *b);
void cbench_use_manual_time(struct cbench *b); /* the function says what each iteration took */

enum cbench_unit {
	CBENCH_NS,
	CBENCH_US,
	CBENCH_MS
};
void cbench_unit(struct cbench *b, enum cbench_unit unit);

/* ---- inside the function -------------------------------------------------------------------- */

bool cbench_keep_running(struct cbench_state *s);
/* As if called n times: for bodies so short that the call itself would be seen. */
bool cbench_keep_running_batch(struct cbench_state *s, int64_t n);
int64_t cbench_range(const struct cbench_state *s, size_t index);
int64_t cbench_iterations_done(const struct cbench_state *s);
int cbench_thread_index(const struct cbench_state *s);
int cbench_thread_count(const struct cbench_state *s);
void cbench_pause(struct cbench_state *s);
void cbench_resume(struct cbench_state *s);
void cbench_set_iteration_time(struct cbench_state *s, double seconds); /* with manual time */
void cbench_bytes_processed(struct cbench_state *s, int64_t bytes);
void cbench_items_processed(struct cbench_state *s, int64_t items);
void cbench_label(struct cbench_state *s, const char *label);
void cbench_skip(struct cbench_state *s, const char *why); /* then return */

enum cbench_counter_kind {
	CBENCH_PLAIN,	      /* the value as it is; of threads, the sum */
	CBENCH_RATE,	      /* divided by the time of the run, s */
	CBENCH_AVERAGE,	      /* of threads, the mean */
	CBENCH_PER_ITERATION, /* divided by the iterations */
};
void cbench_counter(struct cbench_state *s, const char *name, double value, enum cbench_counter_kind kind);

/* ---- main ----------------------------------------------------------------------------------- */

/* Takes the --benchmark_* options out of argc and argv; what is left is the caller's. */
void cbench_initialize(int *argc, char **argv);
/* Complains about options that nobody has taken. True: there were such. */
bool cbench_unrecognized(int argc, char **argv);
/* Runs what is registered and passes the filter; how many that were. */
size_t cbench_run(void);
/* The same for programs that print by themselves; --benchmark_out still writes its file. */
size_t cbench_run_silently(void);
void cbench_shutdown(void);

/* All four: for programs without options of their own. Returns what main() returns. */
int cbench_main(int argc, char **argv);

/* Keeps the compiler from leaving out what computed this. */
#define CBENCH_KEEP(value) __asm__ volatile("" : : "r,m"(value) : "memory")

#ifdef __cplusplus
}
#endif

#endif /* RINGSHM_BENCH_CBENCH_H */
