# All kernels of the CUDA backend on the interpreter, for each architecture: the cases that compare CUDA with the CPU, bit
# for bit and without findings, and what they cost in memory traffic against traffic.csv. Included behind runtime/.
add_executable(ptx_kernels_test $<TARGET_OBJECTS:mq_cuda_comparisons> ptx/kernel_traffic.cpp)
target_link_libraries(ptx_kernels_test PRIVATE mq_options mq_crossbar GTest::gtest)
target_compile_definitions(ptx_kernels_test PRIVATE MQ_TRAFFIC_TABLE="${CMAKE_CURRENT_SOURCE_DIR}/ptx/traffic.csv")
mq_with_stand_in(ptx_kernels_test)
add_dependencies(ptx_kernels_test mq_planted_kernels)  # the stand-in reads their PTX too
foreach(arch 80 90)
  add_test(NAME ptx.kernels_sm_${arch} COMMAND ptx_kernels_test)
  set_tests_properties(ptx.kernels_sm_${arch} PROPERTIES LABELS cuda TIMEOUT 300
    ENVIRONMENT "MQ_PTX_ARCH=${arch};MQ_THREAD_ORDER=${arch}")
endforeach()
add_custom_target(update_traffic_table COMMAND ${CMAKE_COMMAND} -E env MQ_PTX_ARCH=80 $<TARGET_FILE:ptx_kernels_test> --update
  COMMAND ${CMAKE_COMMAND} -E env MQ_PTX_ARCH=90 $<TARGET_FILE:ptx_kernels_test> --update VERBATIM)
