"""The words whose meaning the grammar knows: attributes, places, superlatives, kinds of objects.

Data only. Words that are not here can still be nouns, adjectives and verbs (see `words`).
"""

from __future__ import annotations

from types import MappingProxyType

from viper.generate.grammar.vocabulary.word_table import word_table

__all__ = [
    "ANIMATES",
    "ARTICLES",
    "ATTRIBUTE_KIND",
    "BODY_PARTS",
    "CAMERA",
    "CATEGORIES",
    "CLOTHES",
    "COLORS",
    "COMPARATIVES",
    "COMPOUNDS",
    "FUNCTION_WORDS",
    "NUMBERS",
    "ORDINALS",
    "PARTITIVES",
    "PERSON_PRONOUNS",
    "PLACES",
    "POSTURES",
    "PREDICATIVES",
    "RESPECTS",
    "SCENE_PLACES",
    "SCENE_STATES",
    "SHADES",
    "SUPERLATIVES",
    "VAGUE_NOUNS",
]

COLORS = tuple(
    "black white gray red orange yellow green cyan blue purple pink brown tan beige silver "
    "gold".split()
)
"""Basic colors: a matcher's options for "what color"."""

RESPECTS = word_table(
    """
    color: color colors
    size: size sizes
    shape: shape shapes
    material: material materials
    pattern: pattern texture
    kind: type types kind kinds species
    gender: gender sex
    age: age
    length: length
    height: height
    brand: brand company
    width: width
    weight: weight
    thickness: thickness
    depth: depth
    tone: tone
    ethnicity: ethnicity race nationality
    pose: pose
    """
)
"""Noun → the attribute that it names."""

POSTURES = frozenset(
    "sitting standing walking running sleeping lying flying smiling resting grazing jumping "
    "kneeling crouching leaning hanging floating swimming skiing surfing laughing crying waiting "
    "leading moving crossing bending posing napping laying squatting snowboarding skating "
    "skateboarding talking dancing".split()
)
"""Verb forms that stand before a noun without an object: "the sitting dog"."""

CLOTHES = frozenset(
    "shirt top t-shirt tshirt jacket coat sweater hoodie dress skirt suit uniform vest jersey hat "
    "cap helmet jeans pants shorts trousers shoe shoes boot glasses sunglasses tie scarf glove "
    "gloves goggles wetsuit blouse robe apron tank bikini swimsuit trunks polo stripe outfit "
    "clothes clothing costume gown overalls tee sweatshirt cardigan tutu".split()
)
"""Nouns for clothes: "in a hat" is wearing a hat."""

BODY_PARTS = frozenset(
    "head face hair beard mustache ponytail hand hands arm arms leg legs foot feet finger fingers back "
    "shoulder body".split()
)
"""Parts of people; a detector without the part finds the person."""

SHADES = frozenset("light dark bright pale deep solid off-white navy baby neon".split())
"""Words before a color that belong to it: "light blue"."""


ATTRIBUTE_KIND = word_table(
    """
    color: black white gray red orange yellow green blue purple pink brown tan beige silver gold
        golden maroon teal turquoise cyan magenta violet cream blond blonde brunette khaki
        burgundy navy aqua peach lavender colorful multicolored dark light bright dark-colored
        light-colored solid-colored pale
    material: wooden wood metal metallic plastic glass leather steel brick concrete stone rubber
        paper cardboard ceramic porcelain marble granite wool woolen cotton denim wicker straw
        bamboo iron brass copper chrome aluminum vinyl nylon fabric cloth stainless silk fur furry
        foam matte shiny rocky paved unpaved cobblestone tiled asphalt grass stuffed
    size: small big large tiny huge little tall short long wide narrow thin thick fat skinny slim
        giant enormous gigantic massive mini miniature medium larger-size low high deep heavy
    age: old young new elderly teenage adult older-looking ancient modern vintage used antique
    shape: round square rectangular circular oval triangular curved curly straight flat bent
        pointy pointed spherical cylindrical wavy oblong
    pattern: striped plaid checkered dotted spotted floral patterned plain printed polka-dot
        polka-dotted checked
    state: open closed empty full clean dirty wet dry broken cut sliced peeled unpeeled ripe
        unripe cooked raw fresh frozen hot cold happy sad smiling calm choppy cloudy sunny clear
        cloudless overcast rainy snowy foggy bare leafy leafless lush grassy sandy dusty muddy
        shirtless barefoot bald bearded naked asleep awake alone parked folded unfolded lit unlit
        on-off seated pregnant visible blurry blurred half-eaten eaten crowded busy quiet tied
        dead alive healthy unhealthy tidy messy sharp dull smooth rough hard soft fluffy fuzzy
        hairy indoors outdoors indoor outdoor male female tinted iced sleeveless short-sleeved
        long-sleeved upside-down rolled stacked framed decorated lying off-shoulder partly-cloudy
        turned-on turned-off shut made sturdy portable warm baked sitting-down standing-up
    ethnicity: asian caucasian african american european chinese japanese indian italian mexican
        british french african-american hispanic
    """
)
"""Adjective → the attribute that it is a value of."""

PREDICATIVES = frozenset(
    "still warm cool real sturdy portable regular vertical horizontal oblong mobile plush olive pastel "
    "neutral fluorescent solid liquid elastic formal casual natural artificial public private "
    "commercial electric domestic wild native blond brunette firm stiff loose tight crisp damp moist "
    "shallow steep even uneven fast slow upright sideways ready busy free rough smooth square oval "
    "vintage antique ceramic floral pastel average current fit sick ill quick bold rich poor fancy "
    "elderly savory sweet sour bitter salty spicy gourmet organic vegetarian".split()
)
"""Adjectives that are nouns as well, so that they are read as adjectives only after "is"."""

ARTICLES = frozenset(
    "a an the this that these those some any his her its their my your our several".split()
)

NUMBERS = MappingProxyType(
    dict(
        zip("zero one two three four five six seven eight nine ten".split(), range(11), strict=True)
    )
    | {"eleven": 11, "twelve": 12, "dozen": 12}
)

ORDINALS = MappingProxyType(
    {
        word: rank
        for rank, word in enumerate(
            "first second third fourth fifth sixth seventh eighth ninth tenth".split(), start=1
        )
    }
    | {"last": -1}
)

PLACES = word_table(
    """
    left: left leftside west
    right: right rightside east
    top: top upper
    bottom: bottom lower
    middle: middle center central
    front: front foreground
    back: background back rear
    """
)
"""Word → part of the image."""

SUPERLATIVES = word_table(
    """
    left: leftmost
    right: rightmost
    top: topmost uppermost highest
    bottom: bottommost lowest lowermost
    big: biggest largest main
    small: smallest tiniest littlest
    tall: tallest longest
    short: shortest
    wide: widest fattest thickest
    narrow: narrowest thinnest skinniest slimmest
    near: frontmost foremost closest nearest
    far: farthest rearmost backmost
    """
)
"""Superlative → key of `Pick.by`."""

COMPARATIVES = word_table(
    """
    big: bigger larger
    small: smaller tinier littler
    tall: taller longer
    short: shorter
    wide: wider fatter thicker
    narrow: thinner narrower skinnier slimmer
    top: higher
    near: closer nearer
    far: farther
    """
)
"""Comparative without "than" → key of `Pick.by`: of two, the bigger one is the biggest."""

CAMERA = frozenset("camera us me you viewer viewers lens screen photographer observer".split())
"""Nouns for the camera and its user: closest to them is in the foreground."""

PARTITIVES = frozenset(
    "piece slice bunch group pair pile stack bit chunk herd flock bouquet set row half side part "
    "couple lot number kind type sort load crowd picture back edge end pieces slices".split()
)
"""In "a piece of cake" the object is the cake."""

VAGUE_NOUNS = frozenset(
    "thing object one item anything something everything nothing stuff things objects ones items "
    "anyone someone somebody anybody everyone nobody".split()
)

CATEGORIES = frozenset(
    "furniture clothing equipment luggage jewelry silverware cutlery meat fruit bread food".split()
)
"""Mass nouns for objects: one of them is a "piece of furniture"."""

PERSON_PRONOUNS = frozenset("he she they him them her".split())

COMPOUNDS = tuple(
    tuple(text.split("-"))
    for text in (
        "potted-plant stuffed-animal stuffed-bear stuffed-toy polar-bear grizzly-bear fried-egg "
        "french-fries high-chair double-decker-bus hot-air-balloon cell-phone mobile-phone "
        "stop-sign traffic-light fire-hydrant parking-meter wine-glass orange-juice "
        "flat-screen-tv flat-screen baked-good electric-tea-kettle short-sleeve back-pack "
        "stainless-steel remote-control pooh-bear wild-animal domestic-animal fast-food baked-goods "
        "tank-top crop-top american-flag cooking-utensil french-toast face-mask green-pepper "
        "light-fixture light-bulb light-switch light-pole light-post "
        "sweet-potato soft-drink frozen-yogurt fried-rice wii-controller"
    ).split()
)
"""Compound nouns whose first word alone would be an attribute or a verb."""

SCENE_STATES = frozenset(
    "indoors outdoors indoor outdoor inside outside sunny cloudy partly-cloudy rainy raining stormy "
    "snowy snowing foggy windy overcast clear cloudless daytime nighttime day night dark".split()
)
"""Adjectives of a scene: "Is it sunny?"."""

SCENE_PLACES = frozenset(
    place.replace("-", " ")
    for place in (
        "airport alley amusement-park apartment backyard bakery bar barn baseball-field basement "
        "bathroom beach bedroom bus-station cafe cafeteria castle cemetery church city classroom "
        "coast construction-site court desert dining-room dock factory farm field forest garage "
        "garden gas-station grassland gym hallway harbor highway hospital hotel-room "
        "intersection jungle kitchen lake landscape library living-room lobby marina market "
        "meadow mountain museum neighborhood ocean office orchard park parking-lot pasture plain "
        "playground pond pool pub resort restaurant river road room runway savannah school sea "
        "shop shore sidewalk skate-park skatepark ski-slope stadium station store street "
        "supermarket swamp swimming-pool temple tennis-court theater town train-station tunnel "
        "valley village woods yard zoo"
    ).split()
)
"""Places that an image as a whole can show."""

ANIMATES = frozenset(
    "person man woman boy girl guy lady child kid baby player batter pitcher catcher umpire skier "
    "surfer rider cyclist driver worker officer soldier gentleman dude toddler skateboarder "
    "snowboarder couple family crowd cat dog horse cow sheep elephant bear zebra giraffe bird "
    "animal pony puppy kitten duck lamb bull tourist student bride groom chef teddy-bear".split()
)
"""Nouns for living beings, which "wearing …" or "who …" may follow."""

FUNCTION_WORDS = frozenset(
    "a an the this that these those some any all both each every either neither no not none never "
    "and or nor but is are was were be been being am do does did can could will would should may "
    "might have has had having it he she they him them i we us me you who whom whose which what "
    "where when why how there here in on at to of from by with without for into onto out off up "
    "down over under below beneath underneath above behind beside besides between among near next "
    "against along alongside across around about through towards within inside outside beyond past "
    "opposite atop as than then so if too also only more less fewer most least very quite rather "
    "his her its their my your our 's , . other another else such same seem seems look looks appear "
    "appears far away together ahead front except".split()
)
"""Words that are never a noun, an adjective or a verb of their own here."""
