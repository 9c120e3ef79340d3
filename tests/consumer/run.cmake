# SPDX-License-Identifier: BSL-1.0
# Configures, builds and runs one consumer in a fresh directory, from an installed copy where it asks for one.
# cmake -D consumer=NAME -D source=DIR -D build=DIR -D generator=G -D compiler=CXX -P run.cmake
set(scratch "${build}/consumer/${consumer}")
file(REMOVE_RECURSE "${scratch}")
file(MAKE_DIRECTORY "${scratch}")

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE failed)
  if(failed)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${consumer}: this failed (${failed}): ${command}")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install "${build}" --prefix "${scratch}/prefix" --component kfm_det)
run(${CMAKE_COMMAND} -S "${source}/tests/consumer/${consumer}" -B "${scratch}/build" -G "${generator}" -D "CMAKE_CXX_COMPILER=${compiler}"
  -D "CMAKE_PREFIX_PATH=${scratch}/prefix" -D "KFM_DET_SOURCE=${source}" -D CMAKE_FIND_USE_PACKAGE_REGISTRY=OFF)
run(${CMAKE_COMMAND} --build "${scratch}/build" --parallel 2)
run("${scratch}/build/consumer")
