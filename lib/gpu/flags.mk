# Lane loops are vectorised by the compiler. Rounding and NaN behaviour must stay as written.
CFLAGS_gpu += -O3 -ffp-contract=off -fno-math-errno -frounding-math -fno-trapping-math
