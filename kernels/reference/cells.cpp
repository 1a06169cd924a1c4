/// The reference backend's loops over cells and planes: the portable sources, one plain float at a time.
#include "meltquench/kernels/portable/cells.cpp"

#include "meltquench/kernels/cpu/planes.cpp"
