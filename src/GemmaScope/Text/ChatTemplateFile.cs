using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Text;

/// <summary>The template that lies in a model's folder.</summary>
/// <param name="File">The file.</param>
/// <param name="Source">The template.</param>
internal sealed record ChatTemplateFile(string File, string Source)
{
    private const int LargestTemplate = 1 << 20;

    /// <summary>Finds it where transformers does: <c>chat_template.jinja</c> counts before <c>tokenizer_config.json</c>, and that before
    /// <c>chat_template.json</c> of processors.</summary>
    /// <exception cref="FileFormatException">One of the files is damaged.</exception>
    public static ChatTemplateFile? Find(string folder)
    {
        var file = Path.Combine(folder, "chat_template.jinja");
        if (System.IO.File.Exists(file))
            return new(file, TextOf(file));
        foreach (var name in (string[])["tokenizer_config.json", "chat_template.json"])
        {
            file = Path.Combine(folder, name);
            if (System.IO.File.Exists(file) && Default(JsonFile.Read(file)) is { } source)
                return new(file, source);
        }
        return null;
    }

    /// <summary>The one template, or of several the one named default.</summary>
    private static string? Default(JsonSection settings)
    {
        if (!settings.Element.TryGetProperty("chat_template", out var template))
            return null;
        switch (template.ValueKind)
        {
            case JsonValueKind.Null:
                return null;
            case JsonValueKind.String:
                return template.GetString()!.Length <= LargestTemplate
                    ? template.GetString()
                    : throw settings.Bad("chat_template", $"is longer than {LargestTemplate} characters");
            case JsonValueKind.Array:
                var named = settings.Objects("chat_template");
                return (
                        named.FirstOrDefault(one => one.Text("name") == "default")
                        ?? throw settings.Bad("chat_template", "has none named 'default'")
                    ).Text("template") ?? throw settings.Bad("chat_template", "has no template under the name 'default'");
            default:
                throw settings.Bad("chat_template", "must be a template or a list of named ones");
        }
    }

    private static string TextOf(string file)
    {
        if (FileChecks.LengthOf(file) > LargestTemplate)
            throw new FileFormatException($"is larger than {LargestTemplate} bytes, too large for a chat template", file);
        try
        {
            var bytes = System.IO.File.ReadAllBytes(file);
            return System.Text.Unicode.Utf8.IsValid(bytes)
                ? System.Text.Encoding.UTF8.GetString(bytes).TrimStart('\uFEFF')
                : throw new FileFormatException("the file is not valid UTF-8", file);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(file, problem);
        }
    }
}
