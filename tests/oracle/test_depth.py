from __future__ import annotations

import numpy as np
import pytest

from fakes.true_scenes import TABLE, view
from viper.oracle.depth import OracleDepth


@pytest.mark.parametrize("item", TABLE, ids=lambda item: item["shape"])
def test_the_depth_of_an_objects_patch_is_the_files(table, item):
    assert OracleDepth(table).measure([view(item["bbox_xyxy"])]) == [item["pixel_coords"][2]]


def test_other_views_have_the_median_of_a_painted_map(table):
    depth = OracleDepth(table)
    corner = view((460, 0, 480, 20))
    assert depth.measure([corner]) == [12.125 + 1.0]
    # The ball hides the cube where both are.
    assert depth.measure([view((60, 120, 80, 140))]) == [8.25]


def test_the_map_has_the_shape_of_the_image_and_the_nearest_in_front(table):
    (relative_depth,) = OracleDepth(table).estimate([view().image])
    assert relative_depth.shape == (320, 480)
    assert relative_depth.dtype == np.float32
    assert relative_depth[102, 60] == 9.5
    assert relative_depth[150, 100] == 8.25
