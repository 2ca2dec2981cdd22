// SPDX-License-Identifier: MIT
/* cbench: a thin layer of C over Google Benchmark. Nothing is measured here. */
#include "cbench.h"

#include <string>
#include <vector>

#include <benchmark/benchmark.h>

/* Both are only ever Google's objects under another name. */
static benchmark::internal::Benchmark *google(struct cbench *b)
{
	return reinterpret_cast<benchmark::internal::Benchmark *>(b);
}

static benchmark::State *google(struct cbench_state *s)
{
	return reinterpret_cast<benchmark::State *>(s);
}

static const benchmark::State *google(const struct cbench_state *s)
{
	return reinterpret_cast<const benchmark::State *>(s);
}

struct cbench *cbench_register(const char *name, cbench_function *function, void *arg)
{
	auto run = [function, arg](benchmark::State &state) {
		function(reinterpret_cast<struct cbench_state *>(&state), arg);
	};

	return reinterpret_cast<struct cbench *>(benchmark::RegisterBenchmark(name, run));
}

void cbench_args(struct cbench *b, const int64_t *args, size_t n)
{
	google(b)->Args(std::vector<int64_t>(args, args + n));
}

void cbench_arg_names(struct cbench *b, const char *const *names, size_t n)
{
	google(b)->ArgNames(std::vector<std::string>(names, names + n));
}

void cbench_threads(struct cbench *b, int threads)
{
	google(b)->Threads(threads);
}

void cbench_iterations(struct cbench *b, int64_t iterations)
{
	google(b)->Iterations(iterations);
}

void cbench_repetitions(struct cbench *b, int repetitions)
{
	google(b)->Repetitions(repetitions);
}

void cbench_min_time(struct cbench *b, double seconds)
{
	google(b)->MinTime(seconds);
}

void cbench_use_real_time(struct cbench *b)
{
	google(b)->UseRealTime();
}

void cbench_use_manual_time(struct cbench *b)
{
	google(b)->UseManualTime();
}

void cbench_unit(struct cbench *b, enum cbench_unit unit)
{
	static const benchmark::TimeUnit units[] = {benchmark::kNanosecond, benchmark::kMicrosecond,
						    benchmark::kMillisecond};

	google(b)->Unit(units[unit]);
}

bool cbench_keep_running(struct cbench_state *s)
{
	return google(s)->KeepRunning();
}

bool cbench_keep_running_batch(struct cbench_state *s, int64_t n)
{
	return google(s)->KeepRunningBatch(n);
}

int64_t cbench_range(const struct cbench_state *s, size_t index)
{
	return google(s)->range(index);
}

int64_t cbench_iterations_done(const struct cbench_state *s)
{
	return google(s)->iterations();
}

int cbench_thread_index(const struct cbench_state *s)
{
	return google(s)->thread_index();
}

int cbench_thread_count(const struct cbench_state *s)
{
	return google(s)->threads();
}

void cbench_pause(struct cbench_state *s)
{
	google(s)->PauseTiming();
}

void cbench_resume(struct cbench_state *s)
{
	google(s)->ResumeTiming();
}

void cbench_set_iteration_time(struct cbench_state *s, double seconds)
{
	google(s)->SetIterationTime(seconds);
}

void cbench_bytes_processed(struct cbench_state *s, int64_t bytes)
{
	google(s)->SetBytesProcessed(bytes);
}

void cbench_items_processed(struct cbench_state *s, int64_t items)
{
	google(s)->SetItemsProcessed(items);
}

void cbench_label(struct cbench_state *s, const char *label)
{
	google(s)->SetLabel(label);
}

void cbench_skip(struct cbench_state *s, const char *why)
{
	google(s)->SkipWithError(why);
}

void cbench_counter(struct cbench_state *s, const char *name, double value, enum cbench_counter_kind kind)
{
	static const benchmark::Counter::Flags flags[] = {benchmark::Counter::kDefaults, benchmark::Counter::kIsRate,
							  benchmark::Counter::kAvgThreads,
							  benchmark::Counter::kAvgIterations};

	google(s)->counters[name] = benchmark::Counter(value, flags[kind]);
}

void cbench_initialize(int *argc, char **argv)
{
	benchmark::Initialize(argc, argv);
}

bool cbench_unrecognized(int argc, char **argv)
{
	return benchmark::ReportUnrecognizedArguments(argc, argv);
}

size_t cbench_run(void)
{
	return benchmark::RunSpecifiedBenchmarks();
}

/* Says nothing; --benchmark_out has a reporter of its own. */
class silent_reporter : public benchmark::BenchmarkReporter
{
      public:
	bool ReportContext(const Context &) override
	{
		return true;
	}
	void ReportRuns(const std::vector<Run> &) override
	{
	}
};

size_t cbench_run_silently(void)
{
	silent_reporter reporter;

	return benchmark::RunSpecifiedBenchmarks(&reporter);
}

void cbench_shutdown(void)
{
	benchmark::Shutdown();
}

int cbench_main(int argc, char **argv)
{
	cbench_initialize(&argc, argv);
	if (cbench_unrecognized(argc, argv))
		return 1;
	cbench_run();
	cbench_shutdown();
	return 0;
}
