/* SPDX-License-Identifier: MIT */
/* The version of the library that a program runs with. */
#ifndef RINGSHM_VERSION_H
#define RINGSHM_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of the library in use, "MAJOR.MINOR.PATCH". It may differ from that of the headers
 * that a program was compiled with. Any thread; wait-free; the string lives for ever.
 */
__attribute__((visibility("default"))) const char *ringshm_version(void);

#ifdef __cplusplus
}
#endif

#endif /* RINGSHM_VERSION_H */
