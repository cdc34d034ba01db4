# Lane loops are vectorised by the compiler; rounding modes are set outside of them, in another function.
CFLAGS_gpu += -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math
