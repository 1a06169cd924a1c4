# The CUDA backend as objects of mq_kernels; included by kernels/CMakeLists.txt where nvcc is.
# Elementwise kernels of kernels/portable become .cu files of one line, with MQ_BACKEND=cuda.
set(cuda_source_dir "${PROJECT_SOURCE_DIR}/kernels/cuda")
file(GLOB cuda_sources CONFIGURE_DEPENDS "${cuda_source_dir}/*.cu")
get_property(portable_on_cuda GLOBAL PROPERTY mq_portable_on_cuda)
foreach(portable IN LISTS portable_on_cuda)
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/${portable}.cu")
  file(CONFIGURE OUTPUT "${generated}" CONTENT "#include \"meltquench/kernels/portable/${portable}.cpp\"\n")
  list(APPEND cuda_sources "${generated}")
endforeach()

add_library(mq_kernels_cuda OBJECT ${cuda_sources})
# The same device code in every build type: contracts of kernels are checked where they run on the CPU.
target_compile_definitions(mq_kernels_cuda PRIVATE MQ_BACKEND=cuda NDEBUG)
# No contraction of a * b + c: it also makes nvcc write .rn, which keeps ptxas from fusing. std::array is constexpr.
target_compile_options(mq_kernels_cuda PRIVATE -fmad=false --expt-relaxed-constexpr --Werror=all-warnings
  "-Xcompiler=-Wall,-Wextra,-ffp-contract=off")
target_link_libraries(mq_kernels_cuda PRIVATE mq_devices)
set_target_properties(mq_kernels_cuda PROPERTIES
  CUDA_COMPILER_LAUNCHER "sh;${cuda_source_dir}/nvcc_with_log.sh")

# The table is plain C++, the same file as for the CPU.
add_library(mq_kernels_cuda_table OBJECT cpu/table.cpp)
target_compile_definitions(mq_kernels_cuda_table PRIVATE MQ_BACKEND=cuda)
target_link_libraries(mq_kernels_cuda_table PRIVATE mq_options mq_devices)

set(cuda_objects $<TARGET_OBJECTS:mq_kernels_cuda> $<TARGET_OBJECTS:mq_kernels_cuda_table>)
