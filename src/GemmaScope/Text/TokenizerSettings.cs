using System.Collections.Frozen;
using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Text;

/// <summary>
/// What <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c> of a model's folder say of its tokens. Each setting that changes the
/// tokens of a text is heeded, refused, or said not to be heeded.
/// </summary>
internal sealed class TokenizerSettings
{
    /// <summary>Settings that change no token of a text here, or say what the vocabulary itself says.</summary>
    public static FrozenSet<string> Harmless { get; } =
        FrozenSet.Create(
            // Where texts are cut and filled up, which is done only when it is asked for.
            "model_max_length",
            "max_length",
            "padding_side",
            "truncation_side",
            "truncation",
            "padding",
            "pad_to_multiple_of",
            // How ids are written as text; the vocabulary's own decoder does it here.
            "clean_up_tokenization_spaces",
            "spaces_between_special_tokens",
            // About other tokenizers than Gemma's.
            "legacy",
            "use_default_system_prompt",
            // Names and origins.
            "tokenizer_class",
            "processor_class",
            "name_or_path",
            "special_tokens_map_file",
            "tokenizer_file",
            "vocab_file",
            "model_input_names",
            "backend",
            "is_local",
            "from_slow",
            "response_schema",
            // Names for tokens that the vocabulary has.
            "additional_special_tokens",
            "extra_special_tokens",
            "model_specific_special_tokens"
        );

    /// <summary>Settings that would change tokens in a way that is not done here where they are true.</summary>
    private static readonly string[] RefusedIfTrue =
    [
        "add_prefix_space",
        "do_lower_case",
        "split_special_tokens",
        "strip_accents",
        "keep_accents",
    ];

    /// <summary>What is read.</summary>
    public static FrozenSet<string> Read { get; } =
        FrozenSet.Create([
            .. RefusedIfTrue,
            "add_bos_token",
            "add_eos_token",
            "added_tokens_decoder",
            "auto_map",
            "chat_template",
            "sp_model_kwargs",
        ]);

    private readonly Dictionary<string, string> _specialTokens = new(StringComparer.Ordinal)
    {
        // What the tokenizer class of Gemma has where no file says otherwise.
        ["bos_token"] = "<bos>",
        ["eos_token"] = "<eos>",
        ["unk_token"] = "<unk>",
        ["pad_token"] = "<pad>",
    };

    private readonly List<string> _notes = [];
    private JsonSection? _settings;

    /// <summary>Special tokens by name, such as <c>bos_token</c>.</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens => _specialTokens;

    /// <summary>What is asked for and not done, a sentence each.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Reads them; a folder without the files has the defaults.</summary>
    /// <exception cref="FileFormatException">A file is damaged, or asks for what is not supported.</exception>
    public static TokenizerSettings Load(string folder)
    {
        var settings = new TokenizerSettings();
        if (Path.Combine(folder, "special_tokens_map.json") is var map && File.Exists(map))
            settings.ReadSpecialTokens(JsonFile.Read(map));
        if (Path.Combine(folder, "tokenizer_config.json") is var file && File.Exists(file))
            settings.ReadAll(JsonFile.Read(file));
        return settings;
    }

    /// <summary>Makes sure that they are about this vocabulary.</summary>
    /// <exception cref="FileFormatException">They name other tokens.</exception>
    public void Check(Vocabulary vocabulary, int? bos)
    {
        if (_settings is null)
            return;
        if (bos is { } id && vocabulary.Piece(id) is var piece && _specialTokens["bos_token"] is var named && named != piece)
            throw _settings.Bad("bos_token", $"is '{named}', and the vocabulary's BOS is '{piece}'; only that is supported");
        foreach (var token in _settings.Section("added_tokens_decoder")?.Element.EnumerateObject() ?? [])
            CheckAdded(token, vocabulary);
    }

    private void ReadAll(JsonSection settings)
    {
        _settings = settings;
        ReadSpecialTokens(settings);
        foreach (var key in RefusedIfTrue)
            if (settings.Flag(key) is true)
                throw settings.Bad(key, "is true, which is not supported; Gemma's tokenizers do not have it");
        if (IsFilled(settings, "auto_map"))
            throw settings.Bad("auto_map", "names a tokenizer in code of the model's own, which is not run");
        if (IsFilled(settings, "sp_model_kwargs"))
            throw settings.Bad("sp_model_kwargs", "changes how SentencePiece cuts a text, which is not supported");
        if (
            settings.Flag("add_bos_token") is false
            || settings.Element.TryGetProperty("bos_token", out var bos) && bos.ValueKind == JsonValueKind.Null
        )
            _notes.Add(
                $"{settings.File} asks for texts without BOS (add_bos_token, bos_token); they get one here, as Gemma was trained, unless it is left out by an option."
            );
        if (settings.Flag("add_eos_token") is true)
            _notes.Add($"{settings.File} asks for an EOS behind each text (add_eos_token); none is put there here.");
    }

    private void ReadSpecialTokens(JsonSection section)
    {
        foreach (var property in section.Element.EnumerateObject())
            if (IsToken(property.Name) && Content(property.Value) is { } token)
                _specialTokens[property.Name] = token;
    }

    /// <summary>Whether a setting names a special token.</summary>
    public static bool IsToken(string key) =>
        key.EndsWith("_token", StringComparison.Ordinal) && !key.StartsWith("add_", StringComparison.Ordinal);

    /// <summary>A token as a string, or as an object with its <c>content</c>.</summary>
    private static string? Content(JsonElement token) =>
        token.ValueKind == JsonValueKind.String ? token.GetString()
        : token.ValueKind == JsonValueKind.Object
        && token.TryGetProperty("content", out var content)
        && content.ValueKind == JsonValueKind.String
            ? content.GetString()
        : null;

    private static bool IsFilled(JsonSection settings, string key) =>
        settings.Element.TryGetProperty(key, out var value)
        && value.ValueKind != JsonValueKind.Null
        && !(value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any());

    /// <summary>A token that stands in the vocabulary under the same id is the vocabulary's. Those behind it, which only images need, are
    /// plain text where the vocabulary does not know them.</summary>
    private void CheckAdded(JsonProperty token, Vocabulary vocabulary)
    {
        var name = $"added_tokens_decoder.{token.Name}";
        if (!int.TryParse(token.Name, out var id) || id < 0 || Content(token.Value) is not { } content)
            throw _settings!.Bad(name, "must be a token with its id");
        if (id < vocabulary.Count && vocabulary.Piece(id) != content)
            throw _settings!.Bad(
                name,
                $"is '{content}', and the vocabulary has '{vocabulary.Piece(id)}' there; get the vocabulary that belongs to the settings"
            );
        foreach (var flag in (string[])["lstrip", "rstrip", "single_word"])
            if (
                token.Value.ValueKind == JsonValueKind.Object
                && token.Value.TryGetProperty(flag, out var value)
                && value.ValueKind == JsonValueKind.True
            )
                throw _settings!.Bad(name, $"sets '{flag}', which is not supported");
    }
}
