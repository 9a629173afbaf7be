/* Put before every C++ file of llama.cpp that is compiled (`-include`, see the Makefile): nothing is computed by AMX, whatever the CPU has.

With GCC 12, llama.cpp's AMX code ends the process at an illegal instruction: `_tile_loadconfig` tells the optimiser of 8 bytes of the 64 that it reads (GCC bug
114098). With that put right its sums are still not numbers, on a Sapphire Rapids CPU, from the third reading on; its loads of a tile (`_tile_loadd`) do not tell GCC 12 that they read
memory either. The AVX-512 code is right. */
#undef __AMX_TILE__
#undef __AMX_INT8__
#undef __AMX_BF16__
