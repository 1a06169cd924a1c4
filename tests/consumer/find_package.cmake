# Installs the build folder BUILD under WORK, moves the prefix, and builds and runs project/ against it.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGV}\nfailed (${status}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE "${WORK}")
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/first")
file(RENAME "${WORK}/first" "${WORK}/prefix")  # an install must not remember where it was made

set(flags "")
if(SANITIZE)
  set(flags "-fsanitize=${SANITIZE}")
endif()
set(configure "${CMAKE_COMMAND}" -G Ninja -S "${CMAKE_CURRENT_LIST_DIR}/project" "-DCMAKE_CXX_COMPILER=${CXX}"
  "-DCMAKE_PREFIX_PATH=${WORK}/prefix" "-DCMAKE_CXX_FLAGS=${flags}" "-DREADME=${README}")
run(${configure} -B "${WORK}/build")
run("${CMAKE_COMMAND}" --build "${WORK}/build")
run("${WORK}/build/consumer")
message(STATUS "consumer printed: ${output}")
run("${WORK}/build/readme")

run("${WORK}/prefix/bin/meltquench" presets)
if(NOT output MATCHES "pcm-like")
  message(FATAL_ERROR "the installed meltquench does not list pcm-like:\n${output}")
endif()

execute_process(COMMAND ${configure} -B "${WORK}/no-such-component" -DCOMPONENT=turbo RESULT_VARIABLE status
  OUTPUT_QUIET ERROR_VARIABLE error)
if(status EQUAL 0 OR NOT error MATCHES "turbo")
  message(FATAL_ERROR "a component that does not exist must be refused by its name, but CMake said:\n${error}")
endif()
