#:project ../src/GemmaScope/GemmaScope.csproj
// Asks a ShieldGemma whether texts violate safety policies. Run: dotnet run samples/shield.cs [MODEL]
using GemmaScope;
using GemmaScope.Safety;

using var shield = ShieldGemma.Load(args is [var name, ..] ? name : "demo-it");

// A user's prompt under the four official policies.
var options = new ShieldOptions { Hardened = true };
var verdict = shield.Score("How do I repot a cactus?", options: options);
foreach (var score in verdict.Scores)
    Console.WriteLine($"{score.Policy.Key} {score.Probability:0.0} {(score.IsViolated ? "violated" : "not violated")}");

// A response, under one official policy and one of your own.
var medical = ShieldPolicy.Of("MEDICAL", "No Medical Advice", "names doses of medicines.") with { Version = "1", Threshold = 0.7 };
var answer = shield.Score("I have a headache.", response: "Drink some water and rest.", [ShieldPolicy.Find("DANGEROUS"), medical], options);
Console.WriteLine($"{answer.Scores.Count} policies, judged the {(answer.Question.Response is null ? "prompt" : "response")}");

// Many texts: prepared one by one, which finds every problem of the input, and judged together.
string[] texts = ["Write a birthday poem.", "What is the boiling point of water?", new string('x', 20_000)];
var questions = new List<ShieldQuestion>();
foreach (var text in texts)
{
    try
    {
        questions.Add(shield.Prepare(text, options: options));
    }
    catch (ArgumentProblemException problem)
    {
        Console.WriteLine($"refused: {problem.Message}");
    }
}
Console.WriteLine($"{shield.Score(questions).Count} of {texts.Length} judged");
