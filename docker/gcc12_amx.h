/* Put before every C++ file of llama.cpp that is compiled (`-include`, see the Makefile): for CPUs with AMX and GCC before 13.3 and 14.

GCC's `_tile_loadconfig` tells the optimiser that it reads 8 bytes of the 64 of a tile configuration, and `_tile_storeconfig` that it writes 8 (GCC bug 114098):
what llama.cpp stores in the rest comes too late, and the first `tilezero` of an unconfigured tile is an illegal instruction that ends the process. */
#if defined(__AMX_TILE__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 14
#include <immintrin.h>
#define _tile_loadconfig(config) __asm__ volatile("ldtilecfg %0" ::"m"(*(const char(*)[64])(config)))
#define _tile_storeconfig(config) __asm__ volatile("sttilecfg %0" : "=m"(*(char(*)[64])(config)))
#endif
