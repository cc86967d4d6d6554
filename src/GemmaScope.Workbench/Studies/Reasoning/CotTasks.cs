using System.Text;
using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>Questions that a task made, as a file that a study reads again.</summary>
internal static class CotTasks
{
    /// <summary>Writes them as JSON lines.</summary>
    public static void Write(IReadOnlyList<CotAsked> asked, string file) =>
        AtomicFile.Write(
            file,
            stream =>
            {
                foreach (var one in asked)
                    stream.Write(
                        Encoding.UTF8.GetBytes(
                            JsonSerializer.Serialize(
                                new
                                {
                                    id = one.Question.Id,
                                    question = one.Question.Text,
                                    answer = one.Question.Truth,
                                }
                            ) + "\n"
                        )
                    );
            },
            overwrite: true
        );
}
