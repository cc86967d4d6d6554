using System.Text.RegularExpressions;
using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>
/// Finds the text part's tensors under whatever prefix a checkpoint has them: as released (<c>model.</c>), in multimodal files old and new,
/// without any, and behind the wrappers of compilers and adapters (<c>_orig_mod.</c>, <c>base_model.model.</c>). Remembers what was used,
/// so that a tensor of a layer which nobody used is found (METHODS §1.3).
/// </summary>
internal sealed partial class WeightNames
{
    private const string EmbeddingName = "embed_tokens.weight",
        Compiled = "_orig_mod.";

    /// <summary>The stored name by the name without wrappers of compiled modules.</summary>
    private readonly Dictionary<string, string> _stored = new(StringComparer.Ordinal);
    private readonly HashSet<string> _used = new(StringComparer.Ordinal),
        _ignored = new(StringComparer.Ordinal);
    private readonly string _path;

    public WeightNames(ShardedSafetensors files)
    {
        _path = files.Path;
        foreach (var name in files.Names)
            if (!_stored.TryAdd(name.Replace(Compiled, "", StringComparison.Ordinal), name))
                throw new FileFormatException($"has the tensor '{name}' twice, once inside a compiled module", _path);
        if (QuantisedWeights.Of(files.Names) is { } form)
            throw new FileFormatException(form, _path);
        string[] found =
        [
            .. _stored
                .Keys.Where(name => name.EndsWith(EmbeddingName, StringComparison.Ordinal))
                .Select(name => name[..^EmbeddingName.Length]),
        ];
        string[] known = [.. found.Where(prefix => Known().IsMatch(prefix))];
        Prefix = known switch
        {
            [var one] => one,
            [] => throw new FileFormatException(
                "has no embedding table; looked for model.embed_tokens.weight, also without prefix and behind language_model., "
                    + $"model.language_model., base_model.model.{(found is [var other, ..] ? $"; there is {other}{EmbeddingName}" : "")}",
                _path
            ),
            _ => throw new FileFormatException(
                $"has {known.Length} embedding tables: {string.Join(", ", known.Select(p => p + EmbeddingName))}",
                _path
            ),
        };
    }

    /// <summary>What stands before <c>embed_tokens.weight</c>.</summary>
    public string Prefix { get; }

    /// <summary>The heads that the checkpoint holds beside its embedding table, whatever they are called.</summary>
    public IEnumerable<string> Heads => _stored.Where(pair => Head().IsMatch(pair.Key)).Select(pair => pair.Value);

    /// <summary>The stored name of a tensor of the text part, e.g. <c>layers.0.mlp.up_proj.weight</c>, which from now on counts as
    /// used.</summary>
    public string Stored(string name)
    {
        _used.Add(Prefix + name);
        return _stored.GetValueOrDefault(Prefix + name, Prefix + name);
    }

    /// <summary>Lets a tensor of the text part pass that the model does not use.</summary>
    public void Ignore(string name) => _ignored.Add(Prefix + name);

    /// <summary>All stored names of the text part, but for what was let pass.</summary>
    public IEnumerable<string> All =>
        _stored
            .Where(pair => pair.Key.StartsWith(Prefix, StringComparison.Ordinal) && !_ignored.Contains(pair.Key))
            .Select(pair => pair.Value);

    /// <summary>Refuses a tensor of a layer that was not used: a bias, a norm, or a whole layer that config.json does not know of.</summary>
    public void RequireAllUsed(GemmaConfig config)
    {
        foreach (
            var name in _stored
                .Keys.Where(name => name.StartsWith(Prefix + "layers.", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
        )
            if (!_used.Contains(name) && !_ignored.Contains(name) && !name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal))
                throw new FileFormatException(
                    $"the tensor '{_stored[name]}' is not used: a {config.ModelType} of {config.Layers} layers, as config.json describes it, has no "
                        + "such weight; weights and config.json belong to different models",
                    _path
                );
    }

    [GeneratedRegex(@"^(module\.|base_model\.model\.|language_model\.|model\.)*$")]
    private static partial Regex Known();

    [GeneratedRegex(@"^(module\.|base_model\.model\.|language_model\.|model\.)*lm_head\.weight$")]
    private static partial Regex Head();
}
