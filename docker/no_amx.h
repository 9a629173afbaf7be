/* Put before every C++ file of llama.cpp that is compiled (`-include`, see the Makefile): nothing is computed by AMX, whatever the CPU has.

With GCC 12, llama.cpp's AMX code ends the process at an illegal instruction: `_tile_loadconfig` tells the optimiser of 8 bytes of the 64 that it reads (GCC bug
114098). With that put right its sums are still not numbers, on a Sapphire Rapids CPU, from the second reading on (tests/test_reader.py finds it). The AVX-512 code is exact. */
#undef __AMX_TILE__
#undef __AMX_INT8__
#undef __AMX_BF16__
