import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from viper.programs.api_spec import load_spec
from viper_sandbox.api import Api
from viper_sandbox.namespace import guarded_getattr
from viper_sandbox.patch import ATTRIBUTES, ImagePatch, distance
from viper_sandbox.program_session import ProgramSession, lift, lower
from viper_sandbox.wire import PatchRef

WIDTH, HEIGHT = 640.0, 480.0
SESSION = ProgramSession(
    Api.from_wire(load_spec().to_wire()),
    PatchRef(3, (0.0, 0.0, WIDTH, HEIGHT)),
    (WIDTH, HEIGHT),
    lambda *call: None,
)
IMAGE = SESSION.image


@st.composite
def boxes(draw):
    x1, x2 = sorted(draw(st.lists(st.floats(0, WIDTH), min_size=2, max_size=2, unique=True)))
    y1, y2 = sorted(draw(st.lists(st.floats(0, HEIGHT), min_size=2, max_size=2, unique=True)))
    assume(x2 - x1 > 1e-6 and y2 - y1 > 1e-6)
    return (x1, y1, x2, y2)


patches = boxes().map(lambda box: lift(PatchRef(3, box, "dog", 0.5), SESSION))


def edges(patch):
    return (patch.left, patch.lower, patch.right, patch.upper)


def make(left, lower_edge, right, upper):
    return ImagePatch(IMAGE, left, lower_edge, right, upper)


@given(boxes())
def test_a_box_goes_back_bit_for_bit(box):
    ref = PatchRef(3, box, "dog", 0.5)
    assert lower(lift(ref, SESSION)) == ref


@given(patches)
def test_cropping_a_patch_to_its_own_edges_keeps_its_box_exactly(patch):
    assert patch.crop(*edges(patch)) == patch
    assert ImagePatch(patch) == patch


@given(patches)
def test_y_points_up(patch):
    assert patch.lower < patch.upper
    assert patch.lower == HEIGHT - lower(patch).box_xyxy[3]
    assert math.isclose(patch.height, patch.upper - patch.lower, abs_tol=1e-9)
    assert patch.left < patch.horizontal_center < patch.right
    assert patch.lower <= patch.vertical_center <= patch.upper


def leaves_a_sliver(patch, other):
    """Return whether a crop of the patch to the other's box cuts a side to less than a pixel."""
    (a1, b1, a2, b2), (c1, d1, c2, d2) = lower(patch).box_xyxy, lower(other).box_xyxy
    sides = (min(a2, c2) - max(a1, c1), a2 - a1), (min(b2, d2) - max(b1, d1), b2 - b1)
    return any(cut < 1.0 and cut < whole for cut, whole in sides)


@given(patches, patches)
def test_a_crop_lies_inside_its_patch(patch, other):
    if patch.overlaps_with(*edges(other)) and leaves_a_sliver(patch, other):
        with pytest.raises(ValueError, match="has less than a pixel inside"):
            patch.crop(*edges(other))
    elif patch.overlaps_with(*edges(other)):
        inner = patch.crop(*edges(other))
        x1, y1, x2, y2 = lower(patch).box_xyxy
        a1, b1, a2, b2 = lower(inner).box_xyxy
        assert x1 <= a1 < a2 <= x2
        assert y1 <= b1 < b2 <= y2
        assert (inner.category, inner.score) == ("image", 1.0)
    else:
        with pytest.raises(ValueError, match="has no area inside"):
            patch.crop(*edges(other))


@given(patches, patches)
def test_distance_is_symmetric_and_its_sign_tells_overlap(a, b):
    assert distance(a, b) == distance(b, a)
    assert distance(a, b) >= -1.0 - 1e-9
    assert a.overlaps_with(*edges(b)) == b.overlaps_with(*edges(a))
    x_gap = max(a.left - b.right, b.left - a.right)
    if x_gap > 0:
        assert distance(a, b) >= x_gap


@given(patches)
def test_distance_of_a_patch_to_itself_is_minus_one(patch):
    assert distance(patch, patch) == pytest.approx(-1.0)


@given(patches, patches)
def test_equality_and_hash_go_by_box(a, b):
    same = lift(PatchRef(3, lower(a).box_xyxy, "cat", 0.1), SESSION)
    assert a == same
    assert hash(a) == hash(same)
    assert (a == b) == (lower(a).box_xyxy == lower(b).box_xyxy)
    assert len({a, same}) == 1


@pytest.mark.parametrize(
    ("a", "b", "gap"),
    [
        ((0, 0, 10, 10), (13, 14, 20, 20), 5.0),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0.0),
        ((0, 0, 10, 10), (10, 10, 20, 20), 0.0),
        ((0, 0, 10, 10), (30, 5, 40, 6), 20.0),
        ((0, 0, 10, 10), (0, 5, 10, 15), -1 / 3),
    ],
    ids=["diagonal", "touching", "corner", "beside", "overlapping"],
)
def test_distance_between_boxes(a, b, gap):
    assert distance(make(*a), make(*b)) == pytest.approx(gap)


def test_distance_between_numbers():
    assert distance(3, 5.5) == 2.5


@pytest.mark.parametrize(("a", "b"), [(IMAGE, 3), (3, IMAGE), ("a", "b")])
def test_distance_of_unlike_things_is_a_type_error(a, b):
    with pytest.raises(TypeError, match="two patches or two numbers"):
        distance(a, b)


def test_patches_that_touch_share_nothing_although_their_edges_are_rounded():
    # H - (H - y) is not y here: the lower edge of the one would lie 1e-14 above the upper of the other.
    below, above = (
        lift(PatchRef(3, (0.0, y1, 1.0, y2), "x"), SESSION) for y1, y2 in ((0.05, 1.0), (0.0, 0.05))
    )
    assert HEIGHT - (HEIGHT - 0.05) > 0.05
    assert not below.overlaps_with(*edges(above))
    with pytest.raises(ValueError, match="has no area inside"):
        below.crop(*edges(above))


def test_touching_is_not_overlap():
    assert not make(0, 0, 10, 10).overlaps_with(10, 0, 20, 10)
    assert make(0, 0, 10, 10).overlaps_with(9, 9, 20, 20)


def test_a_box_is_clamped_to_the_image():
    assert make(-5, -5, 1e9, 1e9) == IMAGE
    assert edges(make(10, 20, 1e9, 40)) == (10, 20, WIDTH, 40)


@pytest.mark.parametrize(
    ("box", "error", "message"),
    [
        ((5, 5, 5, 9), ValueError, "has no area inside ImagePatch"),
        ((9, 5, 5, 9), ValueError, "has no area"),
        ((700, 0, 800, 10), ValueError, "has no area"),
        ((0, 0, math.nan, 5), ValueError, "right must be finite"),
        ((0, 0, 5, math.inf), ValueError, "upper must be finite"),
        ((0, 0, 5, None), ValueError, "all of left, lower, right, upper, or none"),
        (("0", 0, 5, 5), TypeError, "left must be a number, got str"),
        ((0, [], 5, 5), TypeError, "lower must be a number, got list"),
        ((0, 0, True, 5), TypeError, "right must be a number, got bool"),
    ],
)
def test_refuses_box(box, error, message):
    with pytest.raises(error, match=message):
        make(*box)


@pytest.mark.parametrize("image", ["/etc/passwd", 0, None, PatchRef(3, (0.0, 0.0, 1.0, 1.0))])
def test_a_patch_is_made_of_the_image_only(image):
    with pytest.raises(TypeError, match="needs the image"):
        ImagePatch(image)


@pytest.mark.parametrize("name", ["left", "_box_xyxy", "new", "_session"])
def test_a_patch_cannot_be_changed(name):
    with pytest.raises(AttributeError, match="cannot be changed"):
        setattr(IMAGE, name, 1)
    with pytest.raises(AttributeError, match="cannot be changed"):
        delattr(IMAGE, name)


def test_a_patch_shows_its_edges_and_nothing_else():
    assert repr(make(0, 0.5, 10, 20)) == "ImagePatch(left=0, lower=0.5, right=10, upper=20)"
    assert str(IMAGE) == repr(IMAGE)


def test_a_program_sees_the_members_of_the_api_only():
    for name in ATTRIBUTES:
        guarded_getattr(IMAGE, name)
    with pytest.raises(AttributeError, match="Did you mean 'category'"):
        guarded_getattr(IMAGE, "catgory")
    for name in [*sorted(ATTRIBUTES), "_make", "__init__"]:
        with pytest.raises(AttributeError):
            guarded_getattr(ImagePatch, name)


def test_a_method_of_the_class_is_a_function_of_a_patch():
    whole = make(0, 0, 20, 10)
    assert guarded_getattr(ImagePatch, "crop")(whole, 0, 0, right=5, upper=5).width == 5
    assert guarded_getattr(ImagePatch, "overlaps_with")(whole, 1, 1, right=2, upper=2) is True
    with pytest.raises(TypeError, match=r"crop\(\) needs a patch first, got int"):
        guarded_getattr(ImagePatch, "crop")(3, 0, 0, 5, 5)
    with pytest.raises(AttributeError, match="ImagePatch has no attribute 'mro'"):
        guarded_getattr(ImagePatch, "mro")(whole)


@pytest.mark.parametrize(
    ("box", "what"),
    [
        ((100, 0, 140, 10), "has no area"),  # coordinates inside the part
        ((0, 0, 100, 50), "has no area"),
        ((0, 0, 200.5, 80), "has less than a pixel"),
        ((200, 99.5, 300, 300), "has less than a pixel"),
        ((250, 10, 250.25, 90), "has less than a pixel"),
    ],
)
def test_a_crop_that_leaves_nothing_of_its_part_says_whose_coordinates_count(box, what):
    part = make(200, 0, 300, 100)
    with pytest.raises(ValueError, match=f"{what} inside ImagePatch.*pixels of the whole image"):
        part.crop(*box)


def test_a_part_thinner_than_a_pixel_can_be_cropped_along_its_side():
    thin = lift(PatchRef(3, (10.0, 10.0, 10.5, 90.0), "pole", 0.5), SESSION)
    assert lower(thin.crop(0, 400, 20, 440)).box_xyxy == (10.0, 40.0, 10.5, 80.0)


def test_whole_coordinates_are_whole_numbers():
    whole, half = make(0, 0, 300, 201), make(0.5, 0, 10, 10)
    assert (
        repr([whole.left, whole.upper, whole.width, whole.vertical_center])
        == "[0, 201, 300, 100.5]"
    )
    assert (
        repr([half.left, half.right, half.width, half.horizontal_center]) == "[0.5, 10, 9.5, 5.25]"
    )
    assert list(range(whole.left, whole.right, 100)) == [0, 100, 200]
    assert "abc"[whole.left] == "a"


@given(patches)
def test_a_coordinate_has_the_same_value_whether_whole_or_not(patch):
    for name in sorted(ATTRIBUTES - {"score", "category"}):
        value = getattr(patch, name)
        assert type(value) is (int if value == int(value) else float)
    assert patch.left == lower(patch).box_xyxy[0]
    assert patch.width == lower(patch).box_xyxy[2] - lower(patch).box_xyxy[0]


def test_the_api_must_not_promise_unknown_geometry():
    wire = load_spec().to_wire()
    wire["methods"] = {**wire["methods"], "rotate": wire["methods"]["crop"]}
    with pytest.raises(ValueError, match=r"\['rotate'\] without a model role"):
        ProgramSession(
            Api.from_wire(wire), PatchRef(1, (0.0, 0.0, 1.0, 1.0)), (1, 1), lambda *c: None
        )
