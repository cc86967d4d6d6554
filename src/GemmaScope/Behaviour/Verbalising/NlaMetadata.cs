using System.Globalization;
using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Behaviour.Verbalising;

/// <summary>
/// What the file <c>nla_meta.yaml</c> beside a published verbaliser or reconstructor says (natural-language autoencoders, Fraser-Taliente et
/// al. 2026): where vectors come from, how long they are made, where they are put and in which words. Both models learned with exactly these;
/// none has a default here.
/// </summary>
public sealed record NlaMetadata
{
    /// <summary>The file's name.</summary>
    public const string FileName = "nla_meta.yaml";

    private const string SquareRoot = "sqrt_d_model";

    /// <summary>The file.</summary>
    public required string File { get; init; }

    /// <summary>Whether the model turns text back into a vector; else it turns a vector into text.</summary>
    public required bool IsReconstructor { get; init; }

    /// <summary>Numbers of a vector.</summary>
    public required int Width { get; init; }

    /// <summary>The layer behind which vectors were read (<c>resid_post</c>); null where the file does not say it.</summary>
    public int? Layer { get; init; }

    /// <summary>The length that a vector gets before it is put in the place of an embedding, whose own √d factor is applied already; null
    /// where the file does not say it.</summary>
    public double? InjectionScale { get; init; }

    /// <summary>Whether the file says that vectors are put in as long as they are.</summary>
    public bool IsInjectedRaw { get; init; }

    /// <summary>The length to which both vectors are brought before they are compared, √d as published; it cancels in a cosine.</summary>
    public double? ComparisonScale { get; init; }

    /// <summary>The text whose one token gives its place to the vector.</summary>
    public string? Placeholder { get; init; }

    /// <summary>That token.</summary>
    public int? PlaceholderId { get; init; }

    /// <summary>The token before it in the prompt.</summary>
    public int? LeftId { get; init; }

    /// <summary>The token behind it.</summary>
    public int? RightId { get; init; }

    /// <summary>The last tokens of a reconstructor's prompt, where the file names them.</summary>
    public IReadOnlyList<int> SuffixIds { get; init; } = [];

    /// <summary>The verbaliser's message, with <c>{injection_char}</c>.</summary>
    public string? VerbaliserTemplate { get; init; }

    /// <summary>The reconstructor's text, with <c>{explanation}</c>.</summary>
    public string? ReconstructorTemplate { get; init; }

    /// <summary>Reads the file in a model's folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="FileFormatException">It is missing or damaged, or describes what is not supported.</exception>
    public static NlaMetadata Read(string folder)
    {
        var file = Path.Combine(folder, FileName);
        if (!System.IO.File.Exists(file))
            throw new FileFormatException(
                $"there is no {FileName}, which says with which prompt and scale the model learned to read vectors; without it its output means "
                    + "nothing",
                folder
            );
        var all = YamlFile.Read(file);
        var kind = all.Text("kind");
        if (kind is not ("nla_model" or "nla_dataset"))
            throw all.Bad("kind", $"is {kind ?? "missing"}; nla_model is read");
        var extraction = all.Section("extraction");
        var tokens = all.Section("tokens");
        var templates = all.Section("prompt_templates") ?? throw all.Missing("prompt_templates");
        if (extraction?.Text("norm") is { } norm and not "none")
            throw extraction.Bad(
                "norm",
                $"is '{norm}'; models of vectors as they are in the residual stream are read, not of changed ones"
            );
        var width = all.Integer("d_model") ?? extraction?.Integer("d_model") ?? throw all.Missing("d_model");
        if (width < 1)
            throw all.Bad("d_model", "must be at least 1");
        var (injection, isRaw) = Scale(extraction, "injection_scale", width);
        return new()
        {
            File = file,
            IsReconstructor = Role(all),
            Width = width,
            Layer =
                all.Integer("extraction_layer_index")
                ?? all.Section("critic")?.Integer("extraction_layer_index")
                ?? extraction?.Integer("layer_index"),
            InjectionScale = injection,
            IsInjectedRaw = isRaw,
            ComparisonScale = Scale(extraction, "mse_scale", width).Scale,
            Placeholder = tokens?.Text("injection_char"),
            PlaceholderId = tokens?.Integer("injection_token_id"),
            LeftId = tokens?.Integer("injection_left_neighbor_id"),
            RightId = tokens?.Integer("injection_right_neighbor_id"),
            SuffixIds = tokens?.Has("critic_suffix_ids") == true ? tokens.Integers("critic_suffix_ids") ?? [] : [],
            VerbaliserTemplate = templates.Text("av") ?? templates.Text("actor"),
            ReconstructorTemplate = templates.Text("ar") ?? templates.Text("critic"),
        };
    }

    /// <summary>Writes values into a template, whose places are <c>{name}</c> and whose braces are doubled.</summary>
    /// <exception cref="FileFormatException">The template has a place for something else.</exception>
    internal string Fill(string template, string name, string value)
    {
        var text = new System.Text.StringBuilder(template.Length + value.Length);
        var found = false;
        for (var i = 0; i < template.Length; i++)
        {
            var next = i + 1 < template.Length ? template[i + 1] : '\0';
            if (template[i] is '{' or '}' && next == template[i])
                text.Append(template[i++]);
            else if (template[i] == '{' && template.AsSpan(i + 1).StartsWith(name + "}", StringComparison.Ordinal))
            {
                text.Append(value);
                i += name.Length + 1;
                found = true;
            }
            else if (template[i] is '{' or '}')
                throw new FileFormatException($"a template has a place that is not {{{name}}}", File);
            else
                text.Append(template[i]);
        }
        return found ? text.ToString() : throw new FileFormatException($"a template has no {{{name}}}", File);
    }

    private static bool Role(JsonSection all) =>
        all.Text("role") switch
        {
            "av" or "actor" or null => false,
            "ar" or "critic" => true,
            var other => throw all.Bad("role", $"is '{other}'; av (or actor) and ar (or critic) are known"),
        };

    /// <summary>A length: a number, the square root of the width, or none at all.</summary>
    private static (double? Scale, bool IsRaw) Scale(JsonSection? section, string name, int width)
    {
        if (section?.Has(name) != true)
            return (null, false);
        var value = section.Element.GetProperty(name);
        if (value.ValueKind == JsonValueKind.String && value.GetString() is "raw" or "none")
            return (null, true);
        var number = value.ValueKind switch
        {
            JsonValueKind.String when value.GetString() == SquareRoot => Math.Sqrt(width),
            JsonValueKind.String when double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var read) =>
                read,
            JsonValueKind.Number => value.GetDouble(),
            _ => double.NaN,
        };
        return number > 0 && double.IsFinite(number)
            ? (number, false)
            : throw section.Bad(name, $"must be a length above 0, or {SquareRoot}");
    }
}
