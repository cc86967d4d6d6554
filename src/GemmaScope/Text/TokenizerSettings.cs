using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Text;

/// <summary>What <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c> of a model's folder say of its tokens.</summary>
internal sealed class TokenizerSettings
{
    private readonly Dictionary<string, string> _specialTokens = new(StringComparer.Ordinal)
    {
        // What the tokenizer class of Gemma has where no file says otherwise.
        ["bos_token"] = "<bos>",
        ["eos_token"] = "<eos>",
        ["unk_token"] = "<unk>",
        ["pad_token"] = "<pad>",
    };

    /// <summary>Special tokens by name, such as <c>bos_token</c>.</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens => _specialTokens;

    /// <summary>Reads them; a folder without the files has the defaults.</summary>
    /// <exception cref="FileFormatException">A file is damaged.</exception>
    public static TokenizerSettings Load(string folder)
    {
        var settings = new TokenizerSettings();
        // The second counts where both say something.
        foreach (var name in (string[])["special_tokens_map.json", "tokenizer_config.json"])
            if (Path.Combine(folder, name) is var file && File.Exists(file))
                settings.ReadSpecialTokens(JsonFile.Read(file));
        return settings;
    }

    private void ReadSpecialTokens(JsonSection section)
    {
        foreach (var property in section.Element.EnumerateObject())
            if (property.Name.EndsWith("_token", StringComparison.Ordinal) && Content(property.Value) is { } token)
                _specialTokens[property.Name] = token;
    }

    /// <summary>A token as a string, or as an object with its <c>content</c>.</summary>
    private static string? Content(JsonElement token) =>
        token.ValueKind == JsonValueKind.String ? token.GetString()
        : token.ValueKind == JsonValueKind.Object
        && token.TryGetProperty("content", out var content)
        && content.ValueKind == JsonValueKind.String
            ? content.GetString()
        : null;
}
