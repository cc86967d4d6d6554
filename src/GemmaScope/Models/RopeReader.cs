using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>
/// Reads RoPE in each of its spellings (METHODS §1.3). The older one has <c>rope_theta</c>, <c>rope_local_base_freq</c> (Gemma 3, sliding
/// layers) and <c>rope_scaling</c>; the newer one has <c>rope_parameters</c>, from Gemma 3 on one for each kind of layer. What neither form
/// gives a meaning is refused: a position that turns by another angle changes every number and is never seen.
/// </summary>
internal sealed class RopeReader(JsonSection text, ConfigForm form)
{
    private readonly bool _perKind = form.HasTwoRopes;

    private const string Theta = "rope_theta",
        LocalTheta = "rope_local_base_freq",
        Scaling = "rope_scaling",
        Parameters = "rope_parameters",
        Proportional = "proportional";

    /// <summary>Bases where the file names none.</summary>
    private const double Local = 10_000,
        Global = 1_000_000;

    /// <summary>RoPE of the sliding and of the global layers.</summary>
    public (RopeSettings Sliding, RopeSettings Full) Read()
    {
        if (!_perKind && text.Has(LocalTheta))
            throw text.Bad(LocalTheta, "is a setting of Gemma 3; all layers of Gemma 2 share one base");
        return text.Section(Parameters) is { } newer ? Newer(newer) : Older();
    }

    private (RopeSettings, RopeSettings) Newer(JsonSection parameters)
    {
        if (text.Has(Scaling))
            throw text.Bad(Scaling, $"stands beside {Parameters}; keep the one that the model was trained with");
        if (!_perKind)
            return One(parameters, Theta, Local, 1) is var both ? (both, both) : default;
        parameters.RequireKnown("sliding_attention", "full_attention");
        return (
            Kind(parameters, "sliding_attention", LocalTheta, Local, 1),
            Kind(parameters, "full_attention", Theta, Global, form.RotatedOfGlobal)
        );
    }

    private RopeSettings Kind(JsonSection parameters, string kind, string older, double standard, double rotated) =>
        parameters.Section(kind) is { } own ? One(own, older, standard, rotated) : new(Positive(text, older) ?? standard, 1, rotated);

    private (RopeSettings, RopeSettings) Older()
    {
        var full = text.Section(Scaling) is { } scaling
            ? One(scaling, Theta, _perKind ? Global : Local, form.RotatedOfGlobal)
            : new(Positive(text, Theta) ?? (_perKind ? Global : Local), 1, form.RotatedOfGlobal);
        return (_perKind ? new(Positive(text, LocalTheta) ?? Local, 1) : full, full);
    }

    /// <summary>One kind of layers; the base may stand in it or, as before, outside.</summary>
    private RopeSettings One(JsonSection rope, string older, double standard, double rotated)
    {
        rope.RequireKnown("rope_type", "type", Theta, "factor", "partial_rotary_factor");
        var (type, former) = (rope.Text("rope_type"), rope.Text("type"));
        if (type is not null && former is not null && type != former)
            throw rope.Bad("rope_type", $"is '{type}' while 'type' is '{former}'; keep one of them");
        var part = Positive(rope, "partial_rotary_factor");
        if (part is { } some && (some > 1 || (some < 1 && (type ?? former) != Proportional)))
            throw rope.Bad(
                "partial_rotary_factor",
                $"is {some}; parts of heads turn in Gemma 4's layers of rope_type '{Proportional}' alone"
            );
        var (inner, outer, factor) = (Positive(rope, Theta), Positive(text, older), Positive(rope, "factor"));
        if (inner is not null && outer is not null && inner != outer)
            throw rope.Bad(Theta, $"is {inner} while '{text.FullName(older)}' is {outer}; keep one of them");
        var theta = inner ?? outer ?? standard;
        return (type ?? former) switch
        {
            Proportional when rotated < 1 => new(theta, factor ?? 1, part ?? rotated),
            "linear" when rotated == 1 => new(theta, factor ?? throw rope.Missing("factor")),
            "default" or null when factor is null or 1 && rotated == 1 => new(theta, 1),
            "default" when rotated == 1 => throw rope.Bad(
                "factor",
                $"is {factor}, but rope_type 'default' scales nothing; say linear, or leave it out"
            ),
            null => throw rope.Missing("rope_type"),
            var other => throw rope.Bad(
                "rope_type",
                $"is '{other}'; supported {(rotated < 1 ? $"in these layers is {Proportional}" : "are default and linear")}"
            ),
        };
    }

    private static double? Positive(JsonSection section, string key) => GemmaConfigReader.Positive(section, key);
}
