/// Marks functions that run on the host and on a CUDA device, and names the backend a file is built for.
///
/// `MQ_HD` functions are always inlined. This is what lets one formula be compiled for several instruction
/// sets in one program: no out-of-line copy exists that the linker could share between them.
#pragma once

#if defined(__CUDACC__)
#define MQ_HD __host__ __device__ __forceinline__
#if defined(__CUDA_ARCH__)
#define MQ_UNROLL _Pragma("unroll")
#define MQ_NO_UNROLL _Pragma("unroll 1")
#else
#define MQ_UNROLL  // nvcc's pass for the host: its C++ compiler would not know the pragma
#define MQ_NO_UNROLL
#endif
#else
#define MQ_HD inline __attribute__((always_inline))
#define MQ_UNROLL _Pragma("GCC unroll 16")
#define MQ_NO_UNROLL _Pragma("GCC unroll 1")
#endif

/// Namespace of a file in kernels/portable: `cpu_base`, `cpu_v3`, `cpu_v4` or `cuda`, given by the build.
#if !defined(MQ_BACKEND)
#define MQ_BACKEND cpu_base
#endif
