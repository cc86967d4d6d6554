using System.Globalization;
using System.Text.RegularExpressions;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Dictionaries;

/// <summary>A config.json of Gemma Scope 2 (METHODS §3.2).</summary>
internal sealed partial class ScopeConfig
{
    private static readonly KeyAudit Audit = new("dtype device seed layer release_name d_model", "", Arithmetic());

    private readonly JsonSection _json;

    private ScopeConfig(JsonSection json)
    {
        _json = json.Watched();
        Architecture = _json.Text("architecture");
        if (Architecture is not (null or "jump_relu" or "jumprelu"))
            throw new FileFormatException(
                $"architecture '{Architecture}' in config.json is not supported; Gemma Scope 2 dictionaries are jump_relu",
                json.File
            );
        if (Type is not (null or "sae" or "transcoder" or "crosscoder" or "clt" or "cross_layer_transcoder"))
            throw _json.Bad("type", $"is '{Type}'; known are sae, transcoder, crosscoder, clt and cross_layer_transcoder");
        foreach (
            var key in (ReadOnlySpan<string>)["model_name", "l0", "affine_connection", "width", "hf_hook_point_in", "hf_hook_point_out"]
        )
            _json.Names(key);
        Warnings = Audit.Check(_json, _json);
    }

    /// <summary>What the user should know: keys nobody knows.</summary>
    public IReadOnlyList<string> Warnings { get; }

    public string? Architecture { get; }

    public string? Model => _json.Text("model_name");

    public string? Type => _json.Text("type");

    public double? L0 => _json.Number("l0");

    public bool? Affine => _json.Flag("affine_connection");

    /// <summary>The config.json of a folder, or null if there is none.</summary>
    public static ScopeConfig? Find(string folder)
    {
        var file = Path.Combine(folder, "config.json");
        return File.Exists(file) ? new ScopeConfig(JsonFile.Read(file)) : null;
    }

    /// <summary>The error for a value that cannot be used.</summary>
    public FileFormatException Bad(string key, string problem) => _json.Bad(key, problem);

    /// <summary>Compares the stated width, where there is one, with that of the weights.</summary>
    public void RequireWidth(int features)
    {
        if (_json.Integer("width") is { } width && width != features)
            throw new FileFormatException($"config.json says width {width}, the weights have {features} latents", _json.File);
    }

    /// <summary>The sites stated, or null. A single name stands for the same place in each of several layers.</summary>
    public (IReadOnlyList<Site> Inputs, IReadOnlyList<Site> Outputs)? Sites(IReadOnlyList<int> layers)
    {
        if (Read("hf_hook_point_in", layers) is not { } inputs)
            return null;
        return (inputs, Read("hf_hook_point_out", layers) ?? inputs);
    }

    private Site[]? Read(string key, IReadOnlyList<int> layers)
    {
        if (_json.Texts(key) is not { } names)
            return null;
        var separate =
            (IReadOnlyList<string>)(
                names is [var list] ? list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) : names
            );
        if (separate is [var one] && layers.Count > 1)
            separate = [.. layers.Select(layer => LayerPlace().Replace(one, $".{layer.ToString(CultureInfo.InvariantCulture)}.", 1))];
        if (separate.Count == 0)
            throw _json.Bad(key, "names no site");
        return
        [
            .. separate.Select(name =>
                Site.TryParse(name, out var site) ? site : throw _json.Bad(key, $"names no site that is known: '{name}'")
            ),
        ];
    }

    [GeneratedRegex("activ|norm|scal|bias|thresh|k$|skip|rescale|apply|input|output|affine|hook|jump", RegexOptions.IgnoreCase)]
    private static partial Regex Arithmetic();

    /// <summary>The layer of a module path: a number, or a placeholder such as {layer} or *.</summary>
    [GeneratedRegex(@"\.(\d+|\*|\{[^}]*\})\.")]
    private static partial Regex LayerPlace();
}
