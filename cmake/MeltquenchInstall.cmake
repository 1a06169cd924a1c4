# `cmake --install`: headers, libraries, the command line, and a package for find_package(meltquench).
# The component `python` has the layout of a wheel (tools/build_backend.py), so a plain install leaves it out.
include(CMakePackageConfigHelpers)
set(mq_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/meltquench")
get_property(mq_libraries GLOBAL PROPERTY mq_libraries)

# All folders at once, for those who do not want to choose.
add_library(mq_meltquench INTERFACE)
add_library(meltquench::meltquench ALIAS mq_meltquench)
set_target_properties(mq_meltquench PROPERTIES EXPORT_NAME meltquench)
target_link_libraries(mq_meltquench INTERFACE ${mq_libraries})

# The libraries find each other wherever the prefix, or the wheel, is moved to.
set_target_properties(${mq_libraries} PROPERTIES INSTALL_RPATH "$ORIGIN")
install(TARGETS ${mq_libraries} mq_meltquench EXPORT meltquench
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
set(mq_components "")
foreach(library IN LISTS mq_libraries)
  string(REGEX REPLACE "^mq_" "" folder "${library}")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/meltquench"
    FILES_MATCHING PATTERN "*.h" PATTERN "cuda" EXCLUDE)  # only nvcc can read the headers of kernels/cuda
  string(APPEND mq_components "${folder}, ")
endforeach()
string(REGEX REPLACE ", $" "" mq_components "${mq_components}")

install(EXPORT meltquench NAMESPACE meltquench:: DESTINATION "${mq_package_dir}" FILE meltquench-targets.cmake)
configure_file("${CMAKE_CURRENT_LIST_DIR}/meltquench-config.cmake.in" "${PROJECT_BINARY_DIR}/meltquench-config.cmake" @ONLY)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/meltquench-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/meltquench-config.cmake" "${PROJECT_BINARY_DIR}/meltquench-config-version.cmake"
  DESTINATION "${mq_package_dir}")

if(TARGET meltquench_cli)  # the command line
  file(RELATIVE_PATH mq_bin_to_lib "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
  # In a wheel the libraries lie one folder up.
  set_target_properties(meltquench_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${mq_bin_to_lib};$ORIGIN/..")
  install(TARGETS meltquench_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

if(TARGET _core)  # the Python module: everything it loads lies beside it, and the command line in bin
  set_target_properties(_core PROPERTIES INSTALL_RPATH "$ORIGIN")
  install(TARGETS _core LIBRARY DESTINATION meltquench COMPONENT python EXCLUDE_FROM_ALL)
  install(TARGETS meltquench_cli RUNTIME DESTINATION meltquench/bin COMPONENT python EXCLUDE_FROM_ALL)
  if(BUILD_SHARED_LIBS)
    install(TARGETS ${mq_libraries} LIBRARY DESTINATION meltquench COMPONENT python NAMELINK_SKIP EXCLUDE_FROM_ALL)
  endif()
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/python/meltquench" DESTINATION . COMPONENT python EXCLUDE_FROM_ALL
    FILES_MATCHING PATTERN "*.py" PATTERN "*.pyi" PATTERN "py.typed")
endif()
