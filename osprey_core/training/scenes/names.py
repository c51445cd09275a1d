# ruff: noqa: E501
"""The vocabulary of depicted things: what each is called, how it is counted, and which emoji shows it.

One line of the table is one name: its Unicode code points (several where people would use the same word for all of
them), the short name, a counted noun phrase if the name alone cannot take "a" ("socks" is counted as "pair of
socks"), and other words that are as right. Colours are never stated here: they are measured from the pixels.
It does not know where pictures come from or how they are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

# code points + joined by "+" ; name [= counted phrase] [/ synonym, synonym]
_TABLE = """
#animal
1F435 monkey face / monkey; 1F412 monkey; 1F98D gorilla / ape; 1F9A7 orangutan / ape; 1F436 dog face / dog, puppy
1F415 dog; 1F429 poodle / dog; 1F43A wolf / wolf face; 1F98A fox / fox face; 1F99D raccoon; 1F431 cat face / cat, kitten
1F408 cat; 1F981 lion / lion face; 1F42F tiger face / tiger; 1F405 tiger; 1F406 leopard; 1F434 horse face / horse
1FACE moose; 1FACF donkey; 1F40E horse; 1F984 unicorn; 1F993 zebra; 1F98C deer; 1F9AC bison; 1F42E cow face / cow
1F402+1F403 ox / buffalo, bull; 1F404 cow; 1F437 pig face / pig; 1F416 pig; 1F417 boar; 1F43D pig nose; 1F40F ram / sheep
1F411 sheep / ewe; 1F410 goat; 1F42A+1F42B camel; 1F999 llama; 1F992 giraffe; 1F418 elephant; 1F9A3 mammoth
1F98F rhino / rhinoceros; 1F99B hippo / hippopotamus; 1F42D mouse face / mouse; 1F401 mouse / rat; 1F400 rat / mouse
1F439 hamster; 1F430 rabbit face / rabbit, bunny; 1F407 rabbit / bunny; 1F43F squirrel / chipmunk; 1F9AB beaver
1F994 hedgehog; 1F987 bat; 1F43B bear face / bear; 1F43B-200D-2744-FE0F polar bear / bear; 1F428 koala; 1F43C panda
1F9A5 sloth; 1F9A6 otter; 1F9A8 skunk; 1F998 kangaroo; 1F9A1 badger; 1F438 frog / frog face; 1F40A crocodile / alligator
1F422 turtle / tortoise; 1F98E lizard; 1F40D snake; 1F432 dragon face / dragon; 1F409 dragon
1F995 dinosaur / sauropod; 1F996 tyrannosaurus / dinosaur; 1F433+1F40B whale; 1F42C dolphin; 1F9AD seal
1F41F fish; 1F420 tropical fish / fish; 1F421 pufferfish / blowfish, fish; 1F988 shark; 1F419 octopus; 1FABC jellyfish
1F980 crab; 1F99E lobster; 1F990 shrimp; 1F991 squid; 1F9AA oyster; 1F43E paw prints = pair of paw prints
#bird
1F983 turkey; 1F414 chicken / hen; 1F413 rooster; 1F423 hatching chick / chick; 1F424+1F425 chick; 1F426 bird
1F427 penguin; 1F54A dove / bird; 1F985 eagle / bird; 1F986 duck; 1F9A2 swan; 1F989 owl; 1F9A4 dodo / bird
1F9A9 flamingo; 1F99A peacock; 1F99C parrot; 1FABF goose
#insect
1F40C snail; 1F98B butterfly; 1F41B caterpillar / bug; 1F41C ant; 1F41D bee / honeybee; 1FAB2 beetle; 1F41E ladybug / beetle
1F997 cricket / grasshopper; 1FAB3 cockroach; 1F577 spider; 1F982 scorpion; 1F99F mosquito; 1FAB0 fly; 1FAB1 worm
#plant
1F490 bouquet / flowers; 1F338 cherry blossom / flower, blossom; 1FAB7 lotus / flower; 1F339 rose / flower
1F940 wilted flower / flower; 1F33A hibiscus / flower; 1F33B sunflower / flower; 1F33C blossom / flower, daisy
1F337 tulip / flower; 1FABB hyacinth / flower; 1F331 seedling / plant, sprout; 1FAB4 potted plant / plant
1F332 pine tree / tree, evergreen tree; 1F333 tree; 1F334 palm tree / tree, palm; 1F335 cactus; 1F33E wheat = ear of wheat / grain
1F33F herb / plant, leaves; 2618+1F340 clover / shamrock; 1F341 maple leaf / leaf; 1F342 fallen leaf / leaf, leaves
1F343 green leaf / leaf, leaves; 1F344 mushroom; 1FAB9 nest; 1FAB8 coral = piece of coral; 1FAB5 wood = piece of wood / log
1F384 christmas tree / tree; 1F38D bamboo = bunch of bamboo
#fruit
1F347 grapes = bunch of grapes; 1F348 melon; 1F349 watermelon = slice of watermelon / melon; 1F34A orange / tangerine, mandarin
1F34B lemon; 1F34C banana; 1F34D pineapple; 1F96D mango; 1F34E+1F34F apple; 1F350 pear; 1F351 peach
1F352 cherries = pair of cherries / cherry; 1F353 strawberry; 1FAD0 blueberries = bunch of blueberries / blueberry
1F95D kiwi; 1FAD2 olive; 1F965 coconut
#vegetable
1F345 tomato; 1F951 avocado; 1F346 eggplant / aubergine; 1F954 potato; 1F955 carrot; 1F33D corn = ear of corn
1F336 chili = chili pepper / hot pepper, pepper; 1FAD1 bell pepper / pepper, paprika; 1F952 cucumber; 1F96C lettuce = head of lettuce / cabbage
1F966 broccoli = piece of broccoli; 1F9C4 garlic = bulb of garlic; 1F9C5 onion; 1F330 chestnut; 1F95C peanuts = pair of peanuts / peanut
1FADA ginger = piece of ginger; 1FADB pea pod / peas; 1F360 sweet potato; 1FAD8 beans = handful of beans
#food
1F35E bread = loaf of bread; 1F950 croissant; 1F956 baguette / bread; 1FAD3 flatbread / bread; 1F968 pretzel; 1F96F bagel
1F95E pancakes = stack of pancakes / pancake; 1F9C7 waffle; 1F9C0 cheese = piece of cheese; 1F356 meat = piece of meat
1F357 chicken leg / meat; 1F969 steak / meat; 1F953 bacon = piece of bacon; 1F354 hamburger / burger
1F35F french fries = box of french fries / fries; 1F355 pizza = slice of pizza; 1F32D hot dog; 1F96A sandwich; 1F32E taco
1F32F burrito; 1FAD4 tamale; 1F959 kebab; 1F95A egg; 1F373 fried egg / egg; 1F958 pan of food / paella, pan
1F372 stew = pot of stew / pot; 1FAD5 fondue = pot of fondue; 1F957 salad = bowl of salad; 1F37F popcorn = box of popcorn
1F9C8 butter = piece of butter; 1F9C2 salt = shaker of salt; 1F96B can of food / can; 1F371 lunch box / bento
1F359 rice ball; 1F35A rice = bowl of rice; 1F35B curry = plate of curry; 1F35C noodles = bowl of noodles / soup, ramen
1F35D spaghetti = plate of spaghetti / pasta; 1F363 sushi = piece of sushi; 1F364 fried shrimp / shrimp; 1F95F dumpling
1F96E moon cake; 1F361 dango = stick of dango; 1F362 skewer; 1F960 fortune cookie; 1F961 takeout box
#sweet
1F366+1F368 ice cream; 1F367 shaved ice = bowl of shaved ice; 1F369 doughnut / donut; 1F36A cookie / biscuit
1F382 birthday cake / cake; 1F370 cake; 1F9C1 cupcake / muffin; 1F967 pie; 1F36B chocolate = bar of chocolate
1F36C candy = piece of candy / sweet; 1F36D lollipop; 1F36E pudding / custard; 1F36F honey = pot of honey
#drink
1F37C baby bottle / bottle; 1F95B milk = glass of milk; 2615 coffee = cup of coffee / cup, tea; 1FAD6 teapot; 1F375 tea = cup of tea / green tea, cup
1F376 sake = bottle of sake; 1F37E champagne = bottle of champagne / bottle; 1F377 wine = glass of wine; 1F378 cocktail / glass
1F379 tropical drink / drink, cocktail; 1F37A beer = mug of beer; 1F943 whiskey = glass of whiskey / glass; 1F964 cup with straw / cup, drink
1F9CB bubble tea = cup of bubble tea; 1F9C3 juice box; 1F9CA ice cube / ice; 1F9C9 mate = cup of mate
#kitchen thing
1F962 chopsticks = pair of chopsticks; 1F374 fork and knife; 1F37D plate with fork and knife / plate
1F944 spoon; 1F52A knife; 1FAD9 jar; 1F3FA vase / amphora; 1F963 bowl with spoon / bowl
#place
1F30D+1F30E+1F30F globe / earth, world; 1F310 wire globe / globe; 1F5FA map / world map; 1F3D4+26F0+1F5FB mountain
1F30B volcano; 1F3D5 campsite / tent; 1F3D6 beach / beach umbrella; 1F3DC desert; 1F3DD island; 1F3DF stadium
1F5FE map of japan / map; 1F306 city at dusk / city; 1F3D9 city / cityscape; 1F309 bridge; 1F304+1F305 sunrise; 1F307 sunset
#building
1F3DB temple / classical building; 1F6D6 hut; 1F3D8 houses = group of houses; 1F3DA old house / house; 1F3E0 house
1F3E1 house with garden / house; 1F3E2 office building / building; 1F3E5 hospital / building; 1F3E6 bank / building; 1F3E8 hotel / building
1F3EA store / shop, building; 1F3EB school / building; 1F3EC department store / building; 1F3ED factory; 1F3EF japanese castle / castle
1F3F0 castle; 1F5FC tower; 1F5FD statue; 26EA church; 1F54C mosque; 1F54D synagogue; 26E9 shrine / gate; 26F2 fountain
26FA tent; 1F3AA circus tent / tent; 1F3A1 ferris wheel; 1F3A2 roller coaster; 1F3A0 carousel horse / carousel; 1F6DD slide
1F488 barber pole; 1F9F1 brick / bricks; 1FAA8 rock / stone; 1F6D5 hindu temple / temple
#vehicle
1F682 steam train / train, locomotive; 1F683+1F68B train car / wagon; 1F684+1F685 fast train / train; 1F686+1F687+1F68A train / metro, tram
1F69D monorail / train; 1F68C bus; 1F68D front of a bus = bus front / bus; 1F68E trolley bus / bus; 1F690 minibus / van; 1F691 ambulance
1F692 fire truck / fire engine, truck; 1F693 police car / car; 1F694 police car front / police car, car; 1F695 taxi / car, cab; 1F696 taxi front / taxi, car
1F697 car; 1F698 car front / car; 1F699 jeep / car, suv; 1F6FB pickup truck / truck; 1F69A truck / delivery truck
1F69B big truck / truck; 1F69C tractor; 1F3CE racing car / race car, car; 1F3CD motorcycle / motorbike; 1F6F5 scooter / motor scooter
1F9BD+1F9BC wheelchair; 1F6FA rickshaw; 1F6B2 bicycle / bike; 1F6F4 kick scooter / scooter; 1F6F9 skateboard; 1F6FC roller skate / skate
26F5 sailboat / boat; 1F6F6 canoe / boat; 1F6A4+1F6E5 speedboat / boat, motor boat; 1F6F3+26F4+1F6A2 ship / boat, ferry
2708 airplane / plane; 1F6E9 small airplane / airplane, plane; 1F6EB+1F6EC flying airplane / airplane, plane; 1FA82 parachute; 1F681 helicopter; 1F6A0+1F6A1 cable car
1F6F0 satellite; 1F680 rocket; 1F6F8 flying saucer / ufo; 1F69F hanging train / train
#street thing
1F68F bus stop; 26FD gas pump / fuel pump; 1F6DE wheel; 1F6A8 siren / police light; 1F6A5+1F6A6 traffic light; 1F6D1 stop sign / sign
1F6A7 barrier / construction barrier; 2693 anchor; 1F6DF life ring / lifebuoy; 1F6E2 barrel / oil drum; 1F5FF stone head / statue
1F6E3 road / highway; 1F6E4 railway / railway track; 26A0 warning sign / sign; 26D4 no entry sign / sign; 1F5D1 trash can / bin
#sky thing
1F319 crescent moon / moon; 1F315 full moon / moon; 1F31B+1F31C moon face / moon; 1F31D full moon face / moon face, moon
2600 sun; 1F31E sun face / sun; 1FA90 planet / ringed planet, saturn; 2B50 star; 1F31F glowing star / star; 1F320 shooting star / star
2601 cloud; 26C5+1F324+1F325 cloud with sun / cloud; 26C8+1F329 storm cloud / cloud; 1F327 rain cloud / cloud; 1F328 snow cloud / cloud
1F32A tornado; 1F308 rainbow; 26A1 lightning bolt / lightning; 2744 snowflake; 2603+26C4 snowman; 2604 comet; 1F525 fire / flame
1F4A7 drop of water / drop, droplet; 1F30A wave; 1F300 cyclone / spiral
#party thing
1F383 pumpkin / jack-o-lantern; 1F386 fireworks = burst of fireworks; 1F9E8 firecracker; 2728 sparkles = group of sparkles; 1F388 balloon; 1F389 party popper
1F38A confetti ball; 1F38F carp streamer / streamer; 1F390 wind chime; 1F380 bow / ribbon; 1F381 gift / present; 1F397 ribbon
1F39F+1F3AB ticket; 1F9E7 red envelope / envelope; 1FA85 pinata; 1F38E japanese dolls = pair of japanese dolls / dolls
#award
1F396+1F3C5 medal; 1F3C6 trophy / cup; 1F947 gold medal / medal; 1F948 silver medal / medal; 1F949 bronze medal / medal
#sports thing
26BD soccer ball / football, ball; 26BE baseball / ball; 1F94E softball / ball; 1F3C0 basketball / ball; 1F3D0 volleyball / ball; 1F3C8 american football / football, ball
1F3C9 rugby ball / ball; 1F3BE tennis ball / ball, tennis; 1F94F frisbee / disc; 1F3B3 bowling pins = set of bowling pins / bowling; 1F3CF cricket bat / bat
1F3D1 field hockey stick / hockey stick; 1F3D2 hockey stick; 1F94D lacrosse stick; 1F3D3 table tennis paddle / paddle, ping pong; 1F3F8 badminton racket / racket
1F94A boxing glove / glove; 1F945 goal / net; 26F3 golf flag / golf hole, flag; 26F8 ice skate / skate; 1F3A3 fishing rod / fishing pole; 1F93F diving mask / mask
1F3BF skis = pair of skis; 1F6F7 sled; 1F94C curling stone; 1F3BD running shirt / shirt
#toy
1F3AF target / bullseye; 1FA80 yo-yo; 1FA81 kite; 1F52B water gun / gun; 1F3B1 billiard ball / ball, eight ball; 1F52E crystal ball; 1FA84 magic wand / wand
1F3AE game controller / controller; 1F579 joystick; 1F3B0 slot machine; 1F3B2 dice / die; 1F9E9 puzzle piece; 1F9F8 teddy bear / bear
1FAA9 disco ball / ball; 1FA86 nesting dolls = pair of nesting dolls / dolls; 265F chess pawn / pawn; 1F0CF playing card / card, joker; 1F3AD theater masks = pair of theater masks / masks
#craft thing
1F5BC framed picture / picture, painting; 1F3A8 paint palette / palette; 1F9F5 thread = spool of thread; 1FAA1 needle; 1F9F6 yarn = ball of yarn; 1FAA2 knot / rope
#clothing
1F453 glasses = pair of glasses; 1F576 sunglasses = pair of sunglasses / glasses; 1F97D goggles = pair of goggles; 1F97C lab coat / coat; 1F9BA safety vest / vest
1F454 tie / necktie, shirt; 1F455 shirt / t-shirt; 1F456 jeans = pair of jeans / pants, trousers; 1F9E3 scarf; 1F9E4 gloves = pair of gloves
1F9E5 coat; 1F9E6 socks = pair of socks; 1F457 dress; 1F458 kimono; 1F97B sari; 1FA71 swimsuit; 1FA72 briefs = pair of briefs; 1FA73 shorts = pair of shorts; 1F459 bikini
1F45A blouse / shirt; 1F45B purse; 1F45C handbag / bag; 1F45D clutch bag / bag; 1F6CD shopping bags = pair of shopping bags / bags; 1F392 backpack / bag
1FA74 sandal / flip-flop; 1F45E brown shoe = leather shoe / shoe; 1F45F running shoe / shoe, sneaker; 1F97E hiking boot / boot; 1F97F flat shoe / shoe
1F460 high heel / shoe; 1F461 heeled sandal / sandal, shoe; 1FA70 ballet shoes = pair of ballet shoes / shoes; 1F462 boot; 1F451 crown; 1F452 sun hat / hat
1F3A9 top hat / hat; 1F393 graduation cap / cap, hat; 1F9E2 cap / hat; 1FA96 army helmet / helmet; 26D1 rescue helmet / helmet; 1F484 lipstick; 1F48D ring
1F48E gem / diamond; 1F4FF prayer beads = string of prayer beads / beads; 1FAAD fan; 1F302 closed umbrella / umbrella; 2602+2614 umbrella; 26F1 beach umbrella / umbrella
#instrument
1F3B7 saxophone; 1F3BA trumpet; 1FA97 accordion; 1F3B8 guitar; 1F3B9 piano keys = set of piano keys / piano, keyboard; 1F3BB violin; 1FA95 banjo; 1F941 drum
1FA98 long drum / drum; 1FA87 maracas = pair of maracas; 1FA88 flute; 1F4EF horn; 1F514 bell; 1F50A speaker; 1F4E2+1F4E3 megaphone / loudspeaker
1F3B5+1F3B6 music note / note; 1F3BC music score / score; 1F399+1F3A4 microphone; 1F3A7 headphones = pair of headphones; 1F4FB radio
#device
1F4F1 phone / mobile phone; 260E telephone / phone; 1F4DE receiver / telephone receiver; 1F4DF pager; 1F4E0 fax machine / fax; 1F50B battery; 1F50C plug
1F4BB laptop / computer; 1F5A5 computer / monitor, screen; 1F5A8 printer; 2328 keyboard; 1F5B1 computer mouse / mouse; 1F4BE floppy disk / disk; 1F4BF+1F4C0 disc / cd, dvd
1F9EE abacus; 1F3A5 movie camera / camera; 1F4FD projector; 1F3AC clapper board; 1F4FA television / tv; 1F4F7+1F4F8 camera; 1F4F9 video camera / camera
1F4FC video tape / tape; 1F39E film strip / film; 1F50D+1F50E magnifying glass; 1F56F candle; 1F4A1 light bulb / bulb; 1F526 flashlight; 1F3EE lantern; 1FA94 oil lamp / lamp
23F0 alarm clock / clock; 231B+23F3 hourglass; 231A watch; 1F9ED compass
#office thing
1F4D5+1F4D7+1F4D8+1F4D9+1F4D4 book; 1F4D6 open book / book; 1F4DA books = stack of books; 1F4D3+1F4D2 notebook / book; 1F4DC scroll; 1F4C4+1F4C3 page / paper, document
1F4F0 newspaper; 1F516 bookmark; 1F3F7 tag / label; 2709 envelope / letter; 1F4E6 box / package, cardboard box; 1F4EB+1F4EA+1F4EC+1F4ED mailbox; 1F4EE post box / mailbox
1F5F3 ballot box / box; 270F pencil; 1F58B fountain pen / pen; 1F58A pen; 1F58C paintbrush / brush; 1F58D crayon; 1F4DD memo / note; 1F4BC briefcase; 1F4C1+1F4C2 folder
1F4C5+1F4C6 calendar; 1F5D2 notepad; 1F4C8 rising chart / chart; 1F4C9 falling chart / chart; 1F4CA bar chart / chart; 1F4CB clipboard; 1F4CC+1F4CD pin / pushpin
1F4CE paper clip; 1F4CF ruler; 1F4D0 triangle ruler / ruler; 2702 scissors = pair of scissors; 1F5C4 file cabinet / cabinet; 1F5C3 card box / box
#money thing
1FA99 coin; 1F4B0 money bag / bag of money; 1F4B5+1F4B4+1F4B6+1F4B7 banknotes = stack of banknotes / money, cash; 1F4B3 credit card / card; 1F9FE receipt; 1F4B8 flying money = bundle of flying money / money
#tool
1F512 lock / padlock; 1F513 open lock / lock; 1F511 key; 1F5DD old key / key; 1F528 hammer; 1FA93 axe; 26CF pickaxe / pick; 1F5E1 dagger / sword, knife; 2694 crossed swords = pair of swords / swords
1F4A3 bomb; 1FA83 boomerang; 1F3F9 bow and arrow; 1F6E1 shield; 1FA9A saw; 1F527 wrench; 1FA9B screwdriver; 1F529 bolt / nut and bolt, screw; 2699 gear; 1F5DC clamp
2696 scales = pair of scales / scale; 26D3 chains = pair of chains / chain; 1FA9D hook; 1F9F0 toolbox; 1F9F2 magnet; 1FA9C ladder; 1F6E0 hammer and wrench / tools
#science thing
2697 flask / alembic; 1F9EA test tube; 1F9EB petri dish; 1F9EC dna = strand of dna; 1F52C microscope; 1F52D telescope; 1F4E1 satellite dish / antenna; 1F489 syringe
1FA78 drop of blood / drop; 1F48A pill; 1FA79 bandage; 1FA7A stethoscope; 1F321 thermometer; 1F9A0 microbe / germ; 1FA7B x-ray
#household thing
1F6AA door; 1FA9E mirror; 1FA9F window; 1F6CF bed; 1F6CB couch / sofa; 1FA91 chair; 1F4BA seat / chair; 1F6BD toilet; 1FAA0 plunger; 1F6BF shower; 1F6C1 bathtub / bath
1FA92 razor; 1F9F4 lotion bottle / bottle; 1F9F7 safety pin / pin; 1F9F9 broom; 1F9FA basket; 1F9FB toilet paper = roll of toilet paper / paper; 1FAA3 bucket; 1F9FC soap = bar of soap
1FAE7 bubbles = group of bubbles; 1FAA5 toothbrush / brush; 1F9FD sponge; 1F9EF fire extinguisher; 1F6D2 shopping cart / cart; 1F9F3 suitcase / luggage; 1F6CE service bell / bell
26B0 coffin; 1FAA6 headstone / gravestone; 26B1 urn; 1FAA7 sign; 1F6AC cigarette; 1FAA4 mouse trap / trap; 1FAB6 feather; 1F41A shell; 1F9B4 bone; 1F9B7 tooth; 1F578 spider web / web
#character
1F600+1F603+1F642+1F60A smiling face / smiley, face; 1F622+1F62D crying face / face; 1F620+1F621 angry face / face; 1F634 sleeping face / face; 1F60E face with sunglasses / face; 1F60D face with heart eyes / face
1F47B ghost; 1F47D alien; 1F47E space monster / alien; 1F916 robot; 1F480 skull; 1F921 clown; 1F4A9 poop = pile of poop; 1F479 ogre; 1F47F devil; 1F385 santa claus = santa; 1F934 prince; 1F478 princess; 1F9D9 wizard
#body part
1F441 eye; 1F442 ear; 1F443 nose; 1F444 mouth / lips; 1F445 tongue; 1F9B6 foot; 1F9B5 leg; 1F4AA arm / muscle; 1F44D thumbs up / hand; 270B hand; 1F9E0 brain
#symbol
2764+1F499+1F49A+1F49B+1F49C+1F9E1+1F5A4 heart; 1F494 broken heart / heart; 1F498 heart with arrow / heart; 1F4A5 explosion; 1F4A4 sleep sign; 1F4AF hundred points = hundred sign; 267B recycling sign; 2622 radioactive sign
2716+274C cross mark / cross; 2705+2714 check mark; 2753 question mark; 2757 exclamation mark; 1F4AC speech bubble; 1F3F4-200D-2620-FE0F pirate flag / flag; 1F3C1 checkered flag / flag; 1F6A9 red flag = triangle flag / flag
"""


@dataclass(frozen=True)
class Thing:
    """One name of the vocabulary.

    name is the short answer ("socks"); noun is what takes "a" ("pair of socks"); synonyms are as right as the name.
    """

    name: str
    noun: str
    group: str
    synonyms: tuple[str, ...] = ()
    code_points: tuple[str, ...] = ()

    @property
    def words(self) -> frozenset[str]:
        """Every name under which somebody may look for it."""
        return frozenset((self.name, self.noun, *self.synonyms))


@cache
def things() -> dict[str, Thing]:
    """The whole vocabulary by name, in table order; a name that occurs twice is a fault of the table."""
    found: dict[str, Thing] = {}
    group = ""
    for line in _TABLE.strip().splitlines():
        if line.startswith("#"):
            group = line[1:].strip()
            continue
        for entry in filter(None, (part.strip() for part in line.split(";"))):
            thing = _thing(entry, group)
            if thing.name in found:
                raise AssertionError(f"{thing.name!r} is listed twice")
            found[thing.name] = thing
    return found


def article(noun: str) -> str:
    """ "a" or "an", by the sound a noun phrase begins with."""
    first = noun.split()[0].lower()
    if first.startswith(("uni", "ufo", "eu", "one", "use", "ukulele")):
        return "a"
    if first in ("hour", "hourglass", "x-ray"):
        return "an"
    return "an" if first[0] in "aeiou" else "a"


def with_article(noun: str) -> str:
    """ "a dog", "an apple", "a pair of socks"."""
    return f"{article(noun)} {noun}"


_IRREGULAR = {
    "person": "people", "mouse": "mice", "fish": "fish", "tropical fish": "tropical fish", "sheep": "sheep", "goose": "geese",
    "deer": "deer", "wolf": "wolves", "knife": "knives", "leaf": "leaves", "tooth": "teeth", "foot": "feet",
    "loaf": "loaves", "shrimp": "shrimp", "squid": "squid", "bison": "bison", "moose": "moose", "ox": "oxen",
    "snowman": "snowmen", "pufferfish": "pufferfish", "jellyfish": "jellyfish", "dice": "dice", "bus": "buses", "scarf": "scarves",
}  # fmt: skip
_HEAD_FIRST = (" of ", " with ", " and ")


def plural(noun: str) -> str:
    """Several of a noun phrase: "dogs", "pairs of socks", "mice"."""
    for joint in _HEAD_FIRST:
        head, found, rest = noun.partition(joint)
        if found and noun not in ("bow and arrow", "fork and knife", "hammer and wrench"):
            return plural(head) + joint + rest
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    before, _, last = noun.rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith(("s", "x", "ch", "sh", "z")):
        last += "es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        last = last[:-1] + "ies"
    elif last in ("tomato", "potato", "mango", "mosquito", "volcano", "buffalo"):
        last += "es"
    else:
        last += "s"
    return f"{before} {last}".strip()


def _thing(entry: str, group: str) -> Thing:
    points, _, rest = entry.partition(" ")
    names, _, others = rest.partition("/")
    name, _, noun = (part.strip() for part in names.partition("="))
    synonyms = tuple(word.strip() for word in others.split(",") if word.strip())
    if noun and name in ("front of a bus", "brown shoe", "red flag", "santa claus", "chili", "hundred points"):
        name, synonyms = noun, (*synonyms, *((name,) if name in ("chili", "santa claus") else ()))
    return Thing(name, noun or name, group, synonyms, tuple(points.split("+")))
