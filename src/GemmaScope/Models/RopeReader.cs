using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>
/// Reads RoPE in each of its spellings (METHODS §1.3). The older one has <c>rope_theta</c>, <c>rope_local_base_freq</c> (Gemma 3, sliding
/// layers) and <c>rope_scaling</c>; the newer one has <c>rope_parameters</c>, in Gemma 3 one for each kind of layer. What neither form
/// gives a meaning is refused: a position that turns by another angle changes every number and is never seen.
/// </summary>
internal sealed class RopeReader(JsonSection text, bool perKind)
{
    private const string Theta = "rope_theta",
        LocalTheta = "rope_local_base_freq",
        Scaling = "rope_scaling",
        Parameters = "rope_parameters";

    /// <summary>Bases where the file names none.</summary>
    private const double Local = 10_000,
        Global = 1_000_000;

    /// <summary>RoPE of the sliding and of the global layers.</summary>
    public (RopeSettings Sliding, RopeSettings Full) Read()
    {
        if (!perKind && text.Has(LocalTheta))
            throw text.Bad(LocalTheta, "is a setting of Gemma 3; all layers of Gemma 2 share one base");
        return text.Section(Parameters) is { } newer ? Newer(newer) : Older();
    }

    private (RopeSettings, RopeSettings) Newer(JsonSection parameters)
    {
        if (text.Has(Scaling))
            throw text.Bad(Scaling, $"stands beside {Parameters}; keep the one that the model was trained with");
        if (!perKind)
            return One(parameters, Theta, Local) is var both ? (both, both) : default;
        parameters.RequireKnown("sliding_attention", "full_attention");
        return (Kind(parameters, "sliding_attention", LocalTheta, Local), Kind(parameters, "full_attention", Theta, Global));
    }

    private RopeSettings Kind(JsonSection parameters, string kind, string older, double standard) =>
        parameters.Section(kind) is { } own ? One(own, older, standard) : new(Positive(text, older) ?? standard, 1);

    private (RopeSettings, RopeSettings) Older()
    {
        var full = text.Section(Scaling) is { } scaling
            ? One(scaling, Theta, perKind ? Global : Local)
            : new(Positive(text, Theta) ?? (perKind ? Global : Local), 1);
        return (perKind ? new(Positive(text, LocalTheta) ?? Local, 1) : full, full);
    }

    /// <summary>One kind of layers; the base may stand in it or, as before, outside.</summary>
    private RopeSettings One(JsonSection rope, string older, double standard)
    {
        rope.RequireKnown("rope_type", "type", Theta, "factor", "partial_rotary_factor");
        var (type, former) = (rope.Text("rope_type"), rope.Text("type"));
        if (type is not null && former is not null && type != former)
            throw rope.Bad("rope_type", $"is '{type}' while 'type' is '{former}'; keep one of them");
        if (rope.Number("partial_rotary_factor") is { } part and not 1)
            throw rope.Bad("partial_rotary_factor", $"is {part}; Gemma 2 and 3 turn whole heads");
        var (inner, outer, factor) = (Positive(rope, Theta), Positive(text, older), Positive(rope, "factor"));
        if (inner is not null && outer is not null && inner != outer)
            throw rope.Bad(Theta, $"is {inner} while '{text.FullName(older)}' is {outer}; keep one of them");
        var theta = inner ?? outer ?? standard;
        return (type ?? former) switch
        {
            "linear" => new(theta, factor ?? throw rope.Missing("factor")),
            "default" or null when factor is null or 1 => new(theta, 1),
            "default" => throw rope.Bad("factor", $"is {factor}, but rope_type 'default' scales nothing; say linear, or leave it out"),
            null => throw rope.Missing("rope_type"),
            var other => throw rope.Bad("rope_type", $"is '{other}'; supported are default and linear"),
        };
    }

    private static double? Positive(JsonSection section, string key) => GemmaConfigReader.Positive(section, key);
}
