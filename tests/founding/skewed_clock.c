/* A wrong clock for one process: the time of day is SKEWED_CLOCK_S seconds ahead, all other clocks are right. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) =
        (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    const char *ahead = getenv("SKEWED_CLOCK_S");
    if (result == 0 && clock == CLOCK_REALTIME && ahead) {
        now->tv_sec += atol(ahead);
    }
    return result;
}
