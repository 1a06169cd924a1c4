# Targets: one library per folder, which links only the folders it may include.
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")

# Includes read "meltquench/core/error.h" in the repository as after install.
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/include")
file(CREATE_LINK "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/include/meltquench" SYMBOLIC)

add_library(mq_options INTERFACE)
# Same bits everywhere: no contraction of a * b + c, no flushing of denormals, no reordering. g++ 12 sees overlaps in
# std::string that are none (GCC bug 105651), hence -Wno-restrict.
target_compile_options(mq_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Werror -Wno-restrict -ffp-contract=off -fno-math-errno -fno-trapping-math>)
if(MQ_TESTS)  # the libraries check their contracts too, not only the tests
  target_compile_definitions(mq_options INTERFACE MQ_CHECK_CONTRACTS)
endif()
set(mq_hot_code "")  # options of code whose speed matters even under sanitizers, where the rest is not optimised
if(MQ_SANITIZE)
  set(mq_hot_code -O1)
  # Sanitizers hide from g++ that a flag guards a value, so its guesses about uninitialized ones are off. A target with the
  # property MQ_UNSANITIZED says where its code is checked instead.
  target_compile_options(mq_options INTERFACE
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<NOT:$<BOOL:$<TARGET_PROPERTY:MQ_UNSANITIZED>>>>:-fsanitize=${MQ_SANITIZE}>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer -g1 -Wno-maybe-uninitialized>)
  if(MQ_SANITIZE MATCHES "undefined")  # a report of undefined behaviour ends the program, so the test fails
    target_compile_options(mq_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=undefined>)
  endif()
  # In functions as large as inlined kernels become, g++ spends most of its time on where pointers may point.
  target_compile_options(mq_options INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-tree-pta>)
  target_link_options(mq_options INTERFACE -fsanitize=${MQ_SANITIZE})
endif()

# Files that take long to optimise and whose speed nobody notices.
function(mq_optimise_less)
  if(NOT MQ_SANITIZE)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-O1;-Wno-maybe-uninitialized")
  endif()
endfunction()

# The same for a whole folder that calls the kernels and waits for them.
function(mq_optimise_target_less target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1 -Wno-maybe-uninitialized>)
endfunction()

# Headers of others are read once per sanitized build instead of once per file. Optimised builds read them in every file:
# g++ then takes code from a precompiled header for that of the project and warns of it, and it shows whether each file
# includes what it uses. ccache would need settings of its own to see through a precompiled header, so it gets none.
set(mq_precompiled_headers "")
if(MQ_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache")
  set(mq_precompiled_headers <algorithm> <array> <cmath> <cstdint> <filesystem> <functional> <map> <memory> <optional>
    <span> <string> <string_view> <variant> <vector>)
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/no_code.cpp" CONTENT "")
  add_library(mq_library_headers OBJECT "${PROJECT_BINARY_DIR}/no_code.cpp")
  target_link_libraries(mq_library_headers PRIVATE mq_options)
  target_precompile_headers(mq_library_headers PRIVATE ${mq_precompiled_headers})
endif()

# mq_library(core DEPENDS a b PRIVATE x): library meltquench::core from the *.cpp of this folder.
function(mq_library name)
  cmake_parse_arguments(arg "" "" "DEPENDS;PRIVATE;SOURCES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  add_library(mq_${name} ${sources} ${arg_SOURCES})
  add_library(meltquench::${name} ALIAS mq_${name})
  set_target_properties(mq_${name} PROPERTIES OUTPUT_NAME meltquench_${name} EXPORT_NAME ${name}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  target_include_directories(mq_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(mq_${name} PUBLIC cxx_std_20)
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(mq_${name} PUBLIC mq_${dependency})
  endforeach()
  target_link_libraries(mq_${name} PRIVATE $<BUILD_INTERFACE:mq_options> ${arg_PRIVATE})
  set_property(GLOBAL APPEND PROPERTY mq_libraries mq_${name})
  if(TARGET mq_library_headers AND name MATCHES "^(kernels|crossbar|training|experiment)$")  # the larger ones
    target_precompile_headers(mq_${name} REUSE_FROM mq_library_headers)
  endif()
endfunction()
