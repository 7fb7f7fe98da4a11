"""What sellers write: for ten parts of a house, five tiers of phrases from derelict to superb, four to a tier.

The last phrase of each tier is never used to train a text model: it measures how a model reads words it has not seen.
Phrases were written for this project.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

TIERS = 5
VARIANTS = 4
HELD_OUT_VARIANT = 3

_TEXT = {
    "kitchen": (
        "the kitchen was torn out and left bare; there is no usable kitchen at all;"
        "broken units and a dead stove remain; cupboards rotten, sink pulled off the wall",
        "the kitchen is worn and badly dated; old cupboards with doors that stick;"
        "a tired kitchen in need of work; scratched worktops and a leaking tap",
        "a plain kitchen with basic units; simple kitchen, everything works;"
        "an ordinary kitchen of average size; standard units and a gas hob",
        "a well kept kitchen with good storage; kitchen refitted a few years ago;"
        "a bright kitchen with newer appliances; neat oak cupboards and a clean hob",
        "a stunning new kitchen with stone worktops; a luxury designer kitchen with an island;"
        "brand new premium kitchen, never used; gleaming marble counters and top class ovens",
    ),
    "bathroom": (
        "the bathroom is unusable and mouldy; no running water in the bathroom;"
        "a smashed toilet and cracked bath; black mould covers the shower walls",
        "the bathroom is old and stained; a dated bathroom with loose tiles;"
        "the shower drips and needs replacing; yellowed grout and a rusty basin",
        "a simple bathroom with a tub; one standard bathroom with shower;"
        "an average bathroom, plain white tiles; basic washroom, nothing special",
        "a clean bathroom with new fittings; the bathroom was renewed recently;"
        "a pleasant bathroom in good order; fresh tiles and a roomy shower",
        "a spa bathroom with heated marble floors; an exquisite bathroom with rain shower;"
        "two luxurious new bathrooms in natural stone; a magnificent freestanding tub and gold taps",
    ),
    "roof": (
        "the roof has partly fallen in; rain pours through holes in the roof;"
        "the roof is ruined and must go; open rafters let the weather in",
        "the roof leaks in heavy rain; missing tiles on an ageing roof;"
        "the roof will soon need replacing; gutters sag and slates have slipped",
        "the roof is of average age; an ordinary tiled roof;"
        "roof inspected, some wear as expected; usual shingles, no recent work",
        "the roof is sound and dry; roof repaired and insulated lately;"
        "a solid roof in good shape; new gutters and tidy slates",
        "a brand new roof with full warranty; superb new slate roof by master craftsmen;"
        "an immaculate roof with solar panels; flawless handmade tiles, guaranteed for decades",
    ),
    "floors": (
        "floors are rotten and dangerous to walk; boards have collapsed in two rooms;"
        "bare broken concrete throughout; joists eaten by worm and damp",
        "worn carpets in most rooms; scratched floors that creak badly;"
        "stained floors need replacing soon; peeling vinyl and threadbare rugs",
        "laminate floors in all rooms; plain carpet through the house;"
        "floors are of standard quality; usual vinyl and some tile",
        "good wooden floors, recently sanded; nice oak floors in fine order;"
        "well laid floors, new carpet upstairs; polished boards in the living room",
        "gorgeous solid walnut floors throughout; exquisite herringbone parquet in perfect order;"
        "magnificent heated stone floors; breathtaking wide plank oak, newly laid",
    ),
    "light": (
        "windows are boarded up and dark; every window is smashed;"
        "a grim dark shell without windows; shattered panes behind plywood sheets",
        "rooms are gloomy and draughty; small windows with rotten frames;"
        "rather dark, old single glazing; condensation and mist between the panes",
        "normal daylight in most rooms; windows of average age;"
        "double glazing of an older type; light is about what one expects",
        "light rooms with good windows; sunny living room, new glazing;"
        "bright and airy most of the day; large clean windows facing south",
        "spectacular light through full height glass; dazzling sunlit rooms with grand windows;"
        "wonderful panoramic windows on every side; brilliant sunshine floods this glorious home",
    ),
    "garden": (
        "the garden is a dump of rubble; the yard is buried under rubbish;"
        "a wasteland of weeds and scrap behind; burnt sheds and broken glass outside",
        "the garden is overgrown and neglected; fences lean, the lawn is patchy;"
        "an untidy yard that needs clearing; brambles cover a muddy plot",
        "a small lawn at the back; an average yard with a shed;"
        "plain garden, grass and gravel; simple paved area behind the house",
        "a tidy garden with fruit trees; well tended lawn and flower beds;"
        "a pleasant patio and neat hedges; mature roses and a sheltered terrace",
        "a breathtaking landscaped garden with pool; glorious private grounds with fountains;"
        "award winning gardens of rare beauty; a dream park with ancient trees and a pond",
    ),
    "heating": (
        "no heating, wiring stripped by thieves; pipes burst and the boiler is gone;"
        "no power, no water, no heat; the furnace was wrecked by flood",
        "an old boiler that often fails; outdated wiring needs attention;"
        "heating is weak and costly; rattling radiators and rusty pipes",
        "gas heating of average age; standard electrics, working order;"
        "ordinary heating with radiators; usual furnace, serviced on schedule",
        "efficient heating, serviced every year; the boiler was replaced recently;"
        "good insulation and modern wiring; low bills thanks to newer windows",
        "a new heat pump and smart controls; superb energy rating, underfloor heating;"
        "state of the art climate system; effortless comfort from geothermal power",
    ),
    "walls": (
        "walls are crumbling and unsafe; deep cracks run through every wall;"
        "plaster has fallen, damp everywhere; structural failure, enter at own risk",
        "faded paint and peeling wallpaper; damp patches on several walls;"
        "walls need plaster and paint; cracked ceilings with water marks",
        "walls painted in neutral tones; average decoration throughout;"
        "usual wear on paint and trim; plain wallpaper in the hall",
        "freshly painted in soft colours; walls smooth and well kept;"
        "tasteful decoration in good order; clean bright finishes all round",
        "exquisite finishes by a leading designer; flawless walls with handmade plaster work;"
        "sumptuous decoration of highest quality; silk panels and perfect joinery throughout",
    ),
    "whole": (
        "a derelict ruin for demolition; condemned and unfit to live in;"
        "abandoned for years, gutted by fire; nothing here can be saved",
        "a neglected home needing major work; tired throughout and long unloved;"
        "a project for a patient buyer; needs repair in most rooms",
        "an ordinary home in fair condition; a standard house, priced accordingly;"
        "livable as it is, some updates; typical of the street",
        "a well maintained family home; lovingly cared for, ready to move in;"
        "a comfortable house in good order; solid, warm and nicely presented",
        "an immaculate home of outstanding beauty; a perfect residence, renovated without compromise;"
        "simply the finest house in town; pristine, elegant, a rare masterpiece",
    ),
    "garage": (
        "the garage has caved in; a collapsed shed blocks the drive;"
        "the carport is charred wreckage; only a twisted door is left outside",
        "a leaking garage with a stuck door; the garage is damp and crooked;"
        "a crumbling drive full of potholes; rusted shed, beams going soft",
        "a single garage, basic; space for one car outside;a normal drive and carport; off street parking as usual",
        "a dry garage with new door; a tidy double garage;"
        "well built garage and level drive; handy workshop with good shelves",
        "a superb heated garage with charger; a grand gated drive and triple garage;"
        "a magnificent coach house, fully restored; showroom quality parking in polished stone",
    ),
}


def _parse(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.split(";"))


PHRASES: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {part: tuple(_parse(tier) for tier in tiers) for part, tiers in _TEXT.items()}
)
"""Part of the house → tier (0 derelict … 4 superb) → variants."""
