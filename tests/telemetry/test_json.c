// SPDX-License-Identifier: MIT
/* test_json.c - the JSON that programs get is JSON, with the right figures under the promised names. */
#include "view.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tel_model model;
static struct tel_view view;
static char *text;
static size_t size;

static void setup(void)
{
	tel_model_init(&model);
	view = (struct tel_view){.top = 10, .out = open_memstream(&text, &size)};
}

static void teardown(void)
{
	fclose(view.out);
	free(text);
	tel_model_free(&model);
}

TestSuite(json, .init = setup, .fini = teardown);

static void feed_sample(uint64_t seq, const char *name)
{
	struct tel_head head = {seq, seq * 1000000000};
	struct tel_begin begin = {.head = head, .real_ns = 5000000000, .tick_hz = 100, .page_size = 4096};
	struct tel_kernel kernel = {.head = head, .ctxt = seq * 123, .present = KERNEL_CTXT};
	struct tel_pressure p = {.head = head, .resource = PSI_IO, .present = 1u << PSI_SOME};
	struct tel_end end = {.head = head, .records = 4, .processes = 1};
	struct {
		struct tel_process p;
		char name[TEL_NAME_MAX];
	} process = {.p = {.head = head, .pid = 7, .state = 'R', .rss_pages = 2, .utime = seq * 25}};

	process.p.name_len = (uint16_t)strlen(name);
	memcpy(process.name, name, strlen(name));
	p.centi[PSI_SOME][PSI_AVG10] = 1250;
	p.total_us[PSI_SOME] = seq * 100000;
	tel_model_feed(&model, TEL_BEGIN, &begin, sizeof(begin));
	tel_model_feed(&model, TEL_KERNEL, &kernel, sizeof(kernel));
	tel_model_feed(&model, TEL_PRESSURE, &p, sizeof(p));
	tel_model_feed(&model, TEL_PROCESS, &process, sizeof(process.p) + process.p.name_len);
	cr_assert_eq(tel_model_feed(&model, TEL_END, &end, sizeof(end)), EVENT_SAMPLE);
}

static json_t *shown(void)
{
	json_error_t error;
	json_t *object;

	cr_assert_eq(tel_view_json.sample(&view, &model), 0);
	cr_assert_eq(strchr(text, '\n'), text + size - 1, "not one line: %s", text);
	object = json_loadb(text, size, 0, &error);
	cr_assert_not_null(object, "%s in %s", error.text, text);
	return object;
}

/* The value at a path such as "pressure.io.some.share", "processes.top.0.cpu". */
static const json_t *at(const json_t *object, const char *path)
{
	char copy[128], *save;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *key = strtok_r(copy, ".", &save); key; key = strtok_r(NULL, ".", &save))
		object = json_is_array(object) ? json_array_get(object, (size_t)atoi(key)) :
						 json_object_get(object, key);
	cr_assert_not_null(object, "nothing at %s in %s", path, text);
	return object;
}

static void is_number(const json_t *object, const char *path, double want)
{
	const json_t *value = at(object, path);

	cr_assert(json_is_number(value), "no number at %s in %s", path, text);
	cr_expect_float_eq(json_number_value(value), want, 1e-9, "%s is %g", path, json_number_value(value));
}

Test(json, what_is_known_is_a_number_and_what_is_not_is_null)
{
	json_t *object;

	feed_sample(1, "x");
	feed_sample(2, "x");
	object = shown();
	is_number(object, "seq", 2);
	is_number(object, "time", 5);
	is_number(object, "interval_s", 1);
	is_number(object, "events.switches_per_s", 123);
	is_number(object, "pressure.io.some.share", 10);
	is_number(object, "pressure.io.some.avg10", 12.5);
	is_number(object, "processes.top.0.cpu", 25);
	is_number(object, "processes.top.0.resident_bytes", 8192);
	is_number(object, "ring.records", 10);
	cr_expect(json_is_null(at(object, "cpu.busy")));
	cr_expect(json_is_null(at(object, "events.forks_per_s")));
	cr_expect(json_is_null(at(object, "pressure.io.full")));
	cr_expect_null(json_object_get(at(object, "pressure"), "cpu"));
	json_decref(object);
}

Test(json, a_name_of_any_bytes_makes_valid_json)
{
	json_t *object;

	feed_sample(1, "q\"\\\x01\xff.");
	object = shown();
	cr_expect_str_eq(json_string_value(at(object, "processes.top.0.name")), "q\"\\??.");
	json_decref(object);
}
