# ruff: noqa: E501
"""The wordings of every kind of question, as plain tables.

{r} is the one region of a question; {a}, {b} are two; {all} is a list "…, … and …", {or} the same with "or"; {x} is
filled with what is asked about. The `_BARE` tables mention no region: they are used only where it is clear what
"it" is. The first wordings are those published with Osprey.
"""

from __future__ import annotations

CATEGORY = (
    "What is the category of {r}? Using only one word or phrase.",
    "What is the category of {r}? Using only one word or phrase.",
    "What is the category of {r}?",
    "Name {r} in one word.",
    "In one word, what is {r}?",
    "What kind of thing is {r}? One word.",
    "Give the category of {r}.",
    "Which category does {r} belong to? Answer with one word or phrase.",
    "Classify {r}.",
    "Give me just the name of {r}.",
    "Label {r} with one word.",
    "category of {r}",
    "{r} in one word",
)
CATEGORY_BARE = (
    "What is the category of this? Using only one word or phrase.", "What is this in one word?", "Name it in one word.",
    "What is it? One word.", "One word: what is this?", "Classify this.", "category?", "Give me just its name.",
)  # fmt: skip
WHAT = (
    "What is {r}?", "What is in {r}?", "What's {r}?", "What do you see in {r}?", "What is shown in {r}?",
    "Tell me what {r} is.", "Can you tell me what {r} is?", "What does {r} show?", "What object is {r}?",
    "Which object is in {r}?", "Identify {r}.", "what's in {r}", "Please say what {r} is.", "And what is {r}?",
    "What about {r}?", "and {r}?", "What can be seen in {r}?", "Do you know what {r} is?",
)  # fmt: skip
WHAT_BARE = (
    "What is this?", "What is it?", "What's this?", "What is that?", "What's that?", "What am I pointing at?", "what is this",
    "What did I select?", "What is the selected thing?", "What is in this region?", "What do you see here?",
    "Can you tell me what this is?", "What is here?", "Identify this.", "What is the thing I marked?",
    "What is the object in this region?", "Do you know what this is?",
)  # fmt: skip
SHORT = (
    "Please give me a short description of {r}. Using a short phrase.",
    "Please give me a short description of {r}. Using a short phrase.",
    "Please give me a short description of {r}.",
    "Describe {r} in a few words.",
    "Describe {r} briefly.",
    "Give me a short description of {r}.",
    "Give a short phrase for {r}.",
    "Briefly, what is {r}?",
    "Caption {r}.",
    "Write a short caption for {r}.",
    "Short description of {r}, please.",
    "Describe {r} using a short phrase.",
    "Say in a few words what {r} is.",
    "Could you give me a brief description of {r}?",
)
SHORT_BARE = (
    "Please give me a short description of this. Using a short phrase.", "Describe this briefly.",
    "Describe it in a few words.", "Give me a short description.", "Caption this.", "Short description?",
    "Write a short caption for this.", "Describe this in a short phrase.",
)  # fmt: skip
DETAILED = (
    "Can you give me a detailed description of {r}?",
    "Can you give me a detailed description of {r}?",
    "Please describe {r} in detail.",
    "Describe {r}.",
    "Describe {r} in detail.",
    "Give me a detailed description of {r}.",
    "Tell me about {r}.",
    "Tell me everything about {r}.",
    "What can you tell me about {r}?",
    "What can you say about {r}?",
    "Could you describe {r} for me?",
    "Tell me more about {r}.",
    "I would like to know more about {r}.",
    "Explain what you see in {r}.",
    "Describe {r} at length.",
)
DETAILED_BARE = (
    "Can you give me a detailed description of this?", "Describe this.", "Describe it.", "Describe it in detail.",
    "Tell me about this.", "Tell me more.", "Tell me more about it.", "What can you tell me about it?",
    "Give me a detailed description.", "Can you describe it?", "Please describe this in detail.", "more details please",
    "Describe the selected thing.", "What can you say about this?",
)  # fmt: skip
DETAIL_OPENINGS = ("This is {a}.", "This is {a}.", "It is {a}.", "The region shows {a}.", "Here you see {a}.")
COLOR = (
    "What color is {r}?", "What is the color of {r}?", "Which color does {r} have?", "What colour is {r}?",
    "Tell me the color of {r}.", "What color does {r} have?", "Name the color of {r}.", "Which color is {r}?",
    "color of {r}?", "Can you tell me the color of {r}?", "And what color is {r}?", "What are the main colors of {r}?",
)  # fmt: skip
COLOR_BARE = (
    "What color is it?", "What color is this?", "what color is it", "Which color does it have?", "What is its color?",
    "What colour is it?", "And the color?", "And what color is it?", "What is the color?", "color?", "Tell me its color.",
    "What color does it have?",
)  # fmt: skip
POSITION = (
    "Where is {r}?", "Where in the picture is {r}?", "Where can {r} be found?", "What is the position of {r}?",
    "In which part of the picture is {r}?", "Where is {r} located?", "Tell me where {r} is.", "Say where {r} is.",
    "Where does {r} lie in the picture?", "where is {r}", "Where is {r} in the image?",
)  # fmt: skip
POSITION_BARE = (
    "Where is it?", "Where in the picture is it?", "Where is it located?", "Where is this?", "In which part of the picture is it?",
    "And where is it?", "What is its position?", "Where can I find it?", "where is it", "Where is it in the image?",
)  # fmt: skip
SIZE = (
    "How big is {r}?", "How large is {r}?", "What size is {r}?", "Is {r} small or large?", "What is the size of {r}?",
    "Is {r} big or small?", "How big is {r} in the picture?", "Tell me the size of {r}.",
)  # fmt: skip
SIZE_BARE = (
    "How big is it?", "How large is it?", "What size is it?", "Is it small or large?", "Is it big or small?",
    "How big is this?", "What is its size?", "And how big is it?",
)  # fmt: skip
TEXTURE = (
    "What pattern does {r} have?", "What is the pattern of {r}?", "Which pattern is on {r}?", "What texture does {r} have?",
    "How is {r} filled?", "Is {r} plain, striped, dotted or checkered?", "What is the texture of {r}?",
    "Describe the pattern of {r}.",
)  # fmt: skip
TEXTURE_BARE = (
    "What pattern does it have?", "What is its pattern?", "Which pattern does it have?", "What texture does it have?",
    "Is it plain, striped, dotted or checkered?", "How is it filled?", "And the pattern?", "What is the pattern?",
)  # fmt: skip
SHAPE = (
    "What shape is {r}?", "What is the shape of {r}?", "Which shape does {r} have?", "What shape does {r} have?",
    "Tell me the shape of {r}.", "Name the shape of {r}.", "Which shape is {r}?", "what shape is {r}",
)  # fmt: skip
SHAPE_BARE = (
    "What shape is it?", "What shape is this?", "What is its shape?", "Which shape does it have?", "And the shape?",
    "Name the shape.", "what shape is this", "What shape does it have?",
)  # fmt: skip
IS_GROUP = (
    "Is {r} {x}?",
    "Does {r} show {x}?",
    "Would you say that {r} is {x}?",
    "Is the thing in {r} {x}?",
    "is {r} {x}",
)
IS_GROUP_BARE = ("Is it {x}?", "Is this {x}?", "Does this show {x}?", "is this {x}", "Would you call it {x}?")
IS_COLOR = (
    "{Is} {r} {x}?", "{Is} {r} {x}?", "Would you say that {r} is {x}?", "{Is} {r} mostly {x}?",
    "Does {r} look {x}?",
)  # fmt: skip
IS_COLOR_BARE = (
    "Is it {x}?",
    "Is this {x}?",
    "Is its color {x}?",
    "Is it mostly {x}?",
    "is it {x}",
    "Does it look {x}?",
)
IS_CATEGORY = (
    "Is {r} {x}?", "Does {r} show {x}?", "Is this {r} {x}?", "Is the thing in {r} {x}?", "Is there {x} in {r}?",
    "Would you say that {r} is {x}?", "Am I right that {r} is {x}?", "is {r} {x}",
)  # fmt: skip
IS_CATEGORY_BARE = (
    "Is it {x}?", "Is this {x}?", "Does this show {x}?", "Is that {x}?", "Am I right that it is {x}?", "is this {x}",
    "Could it be {x}?",
)  # fmt: skip
IS_POSITION = ("{Is} {r} {x}?", "{Is} {r} {x} of the picture?", "{Is} {r} {x} of the image?", "{Is} {r} placed {x}?")
IS_POSITION_BARE = ("Is it {x}?", "Is it {x} of the picture?", "Is this {x}?", "Is it {x} of the image?")
PART_OF = (
    "What is {r} part of?", "What is {r} a part of?", "Which object does {r} belong to?", "To what does {r} belong?",
    "What thing is {r} a part of?", "What does {r} belong to?", "Of what is {r} a part?", "what is {r} part of",
)  # fmt: skip
PART_OF_BARE = (
    "What is it part of?", "What is this a part of?", "Which object does it belong to?", "What does it belong to?",
    "What is this part of?", "To what does this belong?", "What thing is this a part of?", "what is this part of",
)  # fmt: skip
PARTS = (
    "What parts does {r} have?", "Which parts does {r} have?", "Name the parts of {r}.", "What are the parts of {r}?",
    "List the parts of {r}.", "Which parts can you see on {r}?", "What parts can be seen in {r}?", "Tell me the parts of {r}.",
)  # fmt: skip
PARTS_BARE = (
    "What parts does it have?", "Which parts does it have?", "Name its parts.", "What are its parts?", "List its parts.",
    "Which parts can you see?", "And its parts?",
)  # fmt: skip
HAS_PART = (
    "Does {r} have {x}?",
    "Has {r} got {x}?",
    "Can you see {x} on {r}?",
    "Is there {x} on {r}?",
    "does {r} have {x}",
)
HAS_PART_BARE = (
    "Does it have {x}?",
    "Has it got {x}?",
    "Does this have {x}?",
    "Do you see {x} on it?",
    "does it have {x}",
)
RELATION = (
    "What is the relation between {a} and {b}?", "What is the relation between {a} and {b}?",
    "How do {a} and {b} relate?", "How do {a} and {b} relate?", "How are {a} and {b} related?",
    "What is the relationship between {a} and {b}?", "How does {a} relate to {b}?", "Where is {a} relative to {b}?",
    "Where is {a} compared to {b}?", "Describe the relation between {a} and {b}.", "How is {a} placed relative to {b}?",
    "Seen from {b}, where is {a}?", "Tell me the relation of {a} and {b}.", "relation between {a} and {b}",
)  # fmt: skip
WHICH_LARGER = (
    "Which is larger, {a} or {b}?", "Which is bigger, {a} or {b}?", "Which one is larger, {a} or {b}?",
    "Is {a} or {b} the larger one?", "What is bigger, {a} or {b}?", "Compare the sizes of {a} and {b}.",
    "Between {a} and {b}, which is larger?", "which is bigger, {a} or {b}",
)  # fmt: skip
WHICH_SMALLER = (
    "Which is smaller, {a} or {b}?", "Which one is smaller, {a} or {b}?", "Is {a} or {b} the smaller one?",
    "What is smaller, {a} or {b}?", "Between {a} and {b}, which is smaller?", "which is smaller, {a} or {b}",
)  # fmt: skip
IS_LARGER = (
    "Is {a} {x} than {b}?",
    "Would you say that {a} is {x} than {b}?",
    "Does {a} look {x} than {b}?",
    "is {a} {x} than {b}",
)
IS_RELATION = (
    "{Is} {a} {x} {b}?",
    "{Is} {a} {x} {b} in the picture?",
    "{Is} {a} placed {x} {b}?",
    "{Is} {a} located {x} {b}?",
)
WHICH_SIDE = (
    "Which is {x}, {a} or {b}?", "Which one is {x}, {a} or {b}?", "Is {a} or {b} {x}?", "What is {x}, {a} or {b}?",
    "Between {a} and {b}, which is {x}?", "Which is placed {x}, {a} or {b}?",
)  # fmt: skip
FRONT = (
    "Which is in front, {a} or {b}?", "Which one is in front, {a} or {b}?", "Is {a} or {b} in front?",
    "Which is closer, {a} or {b}?", "Does {a} cover {b} or the other way round?", "What is in front, {a} or {b}?",
)  # fmt: skip
LARGEST = (
    "Which is the largest, {or}?",
    "Which one is the biggest, {or}?",
    "Of {all}, which is the largest?",
    "What is the biggest of {all}?",
)
ORDER_SIZE = (
    "Order {all} by size.", "Sort {all} from largest to smallest.", "Put {all} in order of size.", "Rank {all} by size.",
    "List {all} from the largest to the smallest.",
)  # fmt: skip
OUTERMOST = (
    "Which is the furthest {x}, {or}?",
    "Which one is furthest to the {x}, {or}?",
    "Of {all}, which is furthest {x}?",
)
ORDER_SIDE = (
    "Order {all} from left to right.", "Name {all} from left to right.", "List {all} from left to right.",
    "In which order are {all} from left to right?", "How are {all} arranged?", "How do {all} relate?",
)  # fmt: skip
SAME_KIND = (
    "Are {a} and {b} the same kind of thing?", "Are {a} and {b} the same?", "Do {a} and {b} show the same thing?",
    "Is {a} the same kind of thing as {b}?", "Do {a} and {b} belong to the same category?",
    "Are {a} and {b} of the same kind?", "Are both {a} and {b} the same kind of object?",
)  # fmt: skip
THESE = (
    "What are {all}?", "Name {all}.", "What is in {all}?", "Tell me what {all} are.", "What do {all} show?",
    "Identify {all}.", "What can you see in {all}?", "what are {all}",
)  # fmt: skip
THESE_BARE = (
    "What are these?", "What are they?", "What is in these regions?", "Name these.", "What did I select?",
    "What are the selected things?", "What do the regions show?", "what are these", "Tell me what these are.",
)  # fmt: skip
DIRECTION = (
    "What is {x} {r}?",
    "What do you see {x} {r}?",
    "Is there anything {x} {r}?",
    "What can be seen {x} {r}?",
    "Name what is {x} {r}.",
    "what is {x} {r}",
)
DIRECTION_BARE = (
    "What is {x} it?",
    "What do you see {x} it?",
    "And what is {x} it?",
    "What is there {x} it?",
    "what is {x} it",
    "Is there anything {x} it?",
)
AROUND = (
    "What is around {r}?", "What is next to {r}?", "What is near {r}?", "What surrounds {r}?", "What else is around {r}?",
    "What can be seen around {r}?", "What is beside {r}?", "what is around {r}",
)  # fmt: skip
AROUND_BARE = (
    "What is around it?", "What is next to it?", "What is near it?", "What surrounds it?", "What else is there?",
    "What is beside it?", "And what is around it?", "what is next to it",
)  # fmt: skip
PICTURE = (
    "Describe the picture.", "What is in the picture?", "What does the picture show?", "Describe the image.",
    "What can you see in the picture?", "What is in this image?", "Give me a description of the whole picture.",
    "Tell me about the picture.", "What do you see in the image?", "Can you describe the picture?",
    "List everything in the picture.", "What is going on in the picture?", "Please describe the whole image.",
    "what's in the picture", "describe the image", "What things are in the picture?",
)  # fmt: skip
BACKGROUND = (
    "What is the background?", "Describe the background.", "What is in the background?", "What does the background look like?",
    "What kind of background is it?", "How does the background look?", "What can you see in the background?",
    "And the background?", "what's the background", "Tell me about the background.",
)  # fmt: skip
COUNT = (
    "How many {x} are in the picture?", "How many {x} are there?", "How many {x} do you see?", "Count the {x}.",
    "How many {x} can you see in the image?", "What is the number of {x}?", "How many {x} are in the image?",
    "Can you count the {x}?", "how many {x}", "How many {x} does the picture show?",
)  # fmt: skip
COUNT_THINGS = (
    "How many things are in the picture?", "How many objects are there?", "How many objects are in the image?",
    "How many objects do you see?", "Count the objects.", "how many things are there", "Count the things in the picture.",
    "How many things can you see?",
)  # fmt: skip
PRESENCE = (
    "Is there {x} in the image?", "Is there {x} in the image?", "Is there {x} in the picture?", "Do you see {x}?",
    "Is there {x}?", "Can you see {x} in the picture?", "Does the picture show {x}?", "Does the image contain {x}?",
    "Is {x} in the picture?", "Can you find {x} in the picture?", "is there {x} in the picture", "do you see {x}",
)  # fmt: skip
NAMED_COLOR = (
    "What color is {x}?", "What is the color of {x}?", "Which color does {x} have?", "what color is {x}",
    "Tell me the color of {x}.", "What color does {x} have?", "What colour is {x}?", "And what color is {x}?",
)  # fmt: skip
NAMED_POSITION = (
    "Where is {x}?", "Where in the picture is {x}?", "Where can I find {x}?", "where is {x}", "And where is {x}?",
    "What is the position of {x}?", "Tell me where {x} is.", "Where is {x} located?",
)  # fmt: skip
REFUSAL = (
    "How much does {r} cost?", "What is the price of {r}?", "Who owns {r}?", "Whose is {r}?", "What is the name of {r}?",
    "How old is {r}?", "How heavy is {r}?", "How much does {r} weigh?", "What temperature is {r}?", "Who made {r}?",
    "When was {r} made?", "What does {r} smell like?", "What is {r} thinking?", "Where was {r} bought?",
    "Which brand is {r}?", "What did {r} do yesterday?", "How hot is {r}?", "What does {r} sound like?",
    "In which city is {r}?", "In which year was {r} made?",
)  # fmt: skip
REFUSAL_BARE = (
    "How much does it cost?", "What is its price?", "Who owns it?", "Whose is it?", "What is its name?", "How old is it?",
    "How heavy is it?", "How much does it weigh?", "What temperature is it?", "Who made it?", "When was it made?",
    "What does it smell like?", "Where was it bought?", "Which brand is it?", "Who took this picture?",
    "When was this picture taken?", "Where was this picture taken?", "What happens next?", "What time is it?",
    "What is the weather tomorrow?",
)  # fmt: skip
REFUSAL_ANSWERS = ("I cannot tell that from the picture.", "The picture does not show that.")
