# SPDX-License-Identifier: LGPL-2.1-or-later
# librbd and librados ship neither a .pc file nor a CMake package: look for the header and the library.
#
# Defines the imported targets Ceph::rbd and Ceph::rados.
include(FindPackageHandleStandardArgs)

foreach(name rbd rados)
  find_path(Ceph_${name}_INCLUDE_DIR ${name}/lib${name}.h)
  find_library(Ceph_${name}_LIBRARY ${name})
  mark_as_advanced(Ceph_${name}_INCLUDE_DIR Ceph_${name}_LIBRARY)
endforeach()

find_package_handle_standard_args(Ceph
  REQUIRED_VARS Ceph_rbd_LIBRARY Ceph_rbd_INCLUDE_DIR Ceph_rados_LIBRARY Ceph_rados_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "On Debian: apt-get install librbd-dev librados-dev")

foreach(name rbd rados)
  if(Ceph_FOUND AND NOT TARGET Ceph::${name})
    add_library(Ceph::${name} UNKNOWN IMPORTED)
    set_target_properties(Ceph::${name} PROPERTIES
      IMPORTED_LOCATION "${Ceph_${name}_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${Ceph_${name}_INCLUDE_DIR}")
  endif()
endforeach()
