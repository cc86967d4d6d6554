using System.Globalization;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>A name that a model may know or not.</summary>
/// <param name="Id">Its name in its file, or the number of its row.</param>
/// <param name="Name">The name.</param>
/// <param name="Known">Whether the model knows it, where the file says it.</param>
/// <param name="Frequency">How often it is written, where the file says it.</param>
public sealed record Entity(string Id, string Name, bool? Known, double? Frequency)
{
    private static readonly string[] Names = ["name", "entity", "subject", "country", "text"];

    /// <summary>Reads names: a table or JSON lines with <c>name</c> (<c>entity</c>, <c>subject</c>, <c>country</c>), and if there are <c>known</c>,
    /// <c>frequency</c> and <c>id</c>.</summary>
    /// <exception cref="FileFormatException">The file cannot be read, or a row has no name.</exception>
    public static IReadOnlyList<Entity> Read(string file) =>
        [
            .. StudyTable
                .Read(file)
                .Select(row => new Entity(
                    row.Value("id", "code") ?? $"{row.Number}",
                    row.Needed(Names),
                    row.Value("known")?.ToLowerInvariant() switch
                    {
                        "1" or "true" => true,
                        "0" or "false" => false,
                        null => null,
                        _ => throw row.Bad("known", "must be 1, 0, true or false"),
                    },
                    row.Value("frequency", "count") is not { } text ? null
                        : double.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= 0 ? number
                        : throw row.Bad("frequency", "must be a number from 0")
                ))
                .DistinctBy(one => one.Name),
        ];
}
